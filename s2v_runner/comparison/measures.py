"""What is said of each point in numbers, in the order in which it is shown."""

from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Metric

LIKENESS_METRICS = (
    Metric(
        key="psnr",
        name="PSNR to the baseline",
        unit="dB",
        better="higher",
        digits=1,
        kind="quality",
        notable=0.5,
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
        notable=0.01,
        help="How alike the frames are in structure to those of the baseline: the index of Wang et al. (2004) of luma,"
        " 1 for the same, mean over all the frames that both have.",
    ),
    Metric(
        key="latent_distance",
        name="Latent distance to the baseline",
        unit="",
        better="lower",
        digits=3,
        kind="quality",
        notable=0.02,
        help="Root mean square difference of the latents to those of the baseline, as a share of that of the"
        " baseline's, over all clips that both have.",
    ),
)
"""Of a video beside another."""

COST_METRICS = (
    Metric(
        key="seconds",
        name="Time to make",
        unit="s",
        better="lower",
        digits=1,
        kind="time",
        notable=None,
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
        notable=None,
        help="All steps of all clips, each as it was last made.",
    ),
    Metric(
        key="step_seconds",
        name="Time of a step",
        unit="s",
        better="lower",
        digits=3,
        kind="time",
        notable=None,
        help="The median over the steps of all clips.",
    ),
    Metric(
        key="decode_seconds",
        name="Time to decode",
        unit="s",
        better="lower",
        digits=1,
        kind="time",
        notable=None,
        help="From latents to frames, over all clips.",
    ),
    Metric(
        key="device_gib",
        name="Peak memory of the GPU",
        unit="GiB",
        better="lower",
        digits=2,
        kind="memory",
        notable=None,
        help="The most that tensors took on the GPU at once.",
    ),
    Metric(
        key="host_gib",
        name="Peak main memory",
        unit="GiB",
        better="lower",
        digits=2,
        kind="memory",
        notable=None,
        help="The most that the process had in main memory until then, whichever of its points that was for.",
    ),
    Metric(
        key="file_mib",
        name="Size of the video",
        unit="MiB",
        better=None,
        digits=2,
        kind="description",
        notable=None,
        help="Of the video file, sound and all: what is busy or grainy takes more.",
    ),
)
"""What a point took."""

METRICS = (*LIKENESS_METRICS, *VIDEO_METRICS, *COST_METRICS)
