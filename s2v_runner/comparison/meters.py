"""What is measured of a video while its frames go by. None of it holds more than a frame or two."""

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from s2v_runner.comparison.likeness import WINDOW, psnr, squared_error, ssim
from s2v_runner.errors import InputError
from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.video.reading import SeenFrame

IDENTICAL = unknown("identical to the baseline")
"""Of signal to noise, which has no number where there is no noise."""
SAME = {"psnr": IDENTICAL, "ssim": known(1.0)}


class Meter(Protocol):
    """Sees every frame of a video, in order."""

    def take(self, frame: SeenFrame) -> None: ...

    def read(self) -> dict[str, Measure]:
        """By the keys of their metrics."""
        ...


class MotionMeter:
    """How much changes from frame to frame."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0
        self._before: np.ndarray | None = None

    def take(self, frame: SeenFrame) -> None:
        if self._before is not None:
            self._sum += float(np.abs(frame.luma - self._before).mean())
            self._count += 1
        self._before = frame.luma

    def read(self) -> dict[str, Measure]:
        return {"motion": known(self._sum / self._count) if self._count else unknown("it has a single frame")}


class SharpnessMeter:
    """How much fine detail there is."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def take(self, frame: SeenFrame) -> None:
        luma = frame.luma
        laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
        self._sum += float(laplacian.var())
        self._count += 1

    def read(self) -> dict[str, Measure]:
        return {"sharpness": known(self._sum / self._count)}


class LikenessMeter:
    """How near a video is to another of the same size, which goes by beside it."""

    def __init__(self, baseline: Iterator[SeenFrame]) -> None:
        self._baseline = baseline
        self._squares, self._samples = 0.0, 0
        self._alike, self._windowed, self._count = 0.0, 0, 0
        self._problem: str | None = None

    def take(self, frame: SeenFrame) -> None:
        """Frames after the end of the other are not counted."""
        other = self._next()
        if other is None:
            return
        self._squares += squared_error(frame.rgb, other.rgb)
        self._samples += frame.rgb.size
        self._count += 1
        if min(frame.luma.shape) >= WINDOW:
            self._alike += ssim(frame.luma, other.luma)
            self._windowed += 1

    def read(self) -> dict[str, Measure]:
        """Raises InputError where the other video could not be read."""
        if self._problem is not None or not self._count:
            raise InputError("baseline", self._problem or "it has no frames", "Make it again")
        decibels = psnr(self._squares / self._samples)
        if math.isinf(decibels):
            return SAME
        small = unknown(f"it is smaller than the {WINDOW} pixels that SSIM looks at")
        return {"psnr": known(decibels), "ssim": known(self._alike / self._windowed) if self._windowed else small}

    def _next(self) -> SeenFrame | None:
        try:
            return next(self._baseline, None)
        except InputError as error:
            # Not the fault of the video that is measured, which goes on.
            self._problem = error.problem
            return None
