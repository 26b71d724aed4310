"""What is said of each point in numbers."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """A number, or why there is none."""

    value: float | None
    reason: str | None

    def __post_init__(self) -> None:
        assert (self.value is None) != (self.reason is None), self
        assert self.value is None or math.isfinite(self.value), self


def known(value: float) -> Measure:
    return Measure(value, None)


def unknown(reason: str) -> Measure:
    return Measure(None, reason)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a number means, and how it is shown."""

    key: str
    name: str
    unit: str
    better: Literal["higher", "lower"] | None
    digits: int
    """After the point."""
    kind: Literal["time", "memory", "quality", "description"]
    help: str
    """One sentence."""


METRICS = (
    Metric(
        key="psnr",
        name="PSNR to the baseline",
        unit="dB",
        better="higher",
        digits=1,
        kind="quality",
        help="How near the frames are to those of the baseline: peak signal to noise over red, green and blue of all"
        " frames that both have.",
    ),
    Metric(
        key="ssim",
        name="SSIM to the baseline",
        unit="",
        better="higher",
        digits=3,
        kind="quality",
        help="How alike the frames are in structure to those of the baseline: the index of Wang et al. (2004) of luma,"
        " 1 for the same, mean over all the frames that both have.",
    ),
    Metric(
        key="sharpness",
        name="Sharpness",
        unit="",
        better=None,
        digits=0,
        kind="description",
        help="Variance of the Laplacian of luma, mean over the frames: fine detail raises it, and so does grain.",
    ),
    Metric(
        key="motion",
        name="Motion",
        unit="",
        better=None,
        digits=2,
        kind="description",
        help="Mean absolute difference in luma, 0 to 255, between a frame and the next.",
    ),
    Metric(
        key="seconds",
        name="Time to make",
        unit="s",
        better="lower",
        digits=1,
        kind="time",
        help="Denoising, decoding and writing the clips, without loading and encoding what was given, which the first"
        " point does for all; of a video made in several attempts each step counts once, and the rest of every attempt"
        " that a step was kept of.",
    ),
    Metric(
        key="denoise_seconds",
        name="Time to denoise",
        unit="s",
        better="lower",
        digits=1,
        kind="time",
        help="All steps of all clips, each as it was last made.",
    ),
    Metric(
        key="step_seconds",
        name="Time of a step",
        unit="s",
        better="lower",
        digits=3,
        kind="time",
        help="The median over the steps of all clips.",
    ),
    Metric(
        key="decode_seconds",
        name="Time to decode",
        unit="s",
        better="lower",
        digits=1,
        kind="time",
        help="From latents to frames, over all clips.",
    ),
    Metric(
        key="device_gib",
        name="Peak memory of the GPU",
        unit="GiB",
        better="lower",
        digits=2,
        kind="memory",
        help="The most that tensors took on the GPU at once.",
    ),
    Metric(
        key="host_gib",
        name="Peak main memory",
        unit="GiB",
        better="lower",
        digits=2,
        kind="memory",
        help="The most that the process had in main memory until then, whichever of its points that was for.",
    ),
    Metric(
        key="file_mib",
        name="Size of the video",
        unit="MiB",
        better=None,
        digits=2,
        kind="description",
        help="Of the video file, sound and all: what is busy or grainy takes more.",
    ),
)
"""All of them, in the order in which they are shown."""
