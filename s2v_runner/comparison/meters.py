"""How near a video is to another, measured while the frames of both go by: no more than a frame of each is held."""

import math
from collections.abc import Iterator

from s2v_runner.errors import InputError
from s2v_runner.metrics.likeness import WINDOW, psnr, squared_error, ssim
from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.video.reading import SeenFrame

IDENTICAL = unknown("identical to the baseline")
"""Of signal to noise, which has no number where there is no noise."""
SAME = {"psnr": IDENTICAL, "ssim": known(1.0), "latent_distance": known(0.0)}


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
        """By the keys of their metrics. Raises InputError where the other video could not be read."""
        if self._problem is not None or not self._count:
            raise InputError("baseline", self._problem or "it has no frames", "Make it again")
        decibels = psnr(self._squares / self._samples)
        if math.isinf(decibels):
            return SAME
        small = unknown(f"it is smaller than the {WINDOW} pixels that SSIM looks at")
        alike = known(self._alike / self._windowed) if self._windowed else small
        return {"psnr": known(decibels), "ssim": alike}

    def _next(self) -> SeenFrame | None:
        try:
            return next(self._baseline, None)
        except InputError as error:
            # Not the fault of the video that is measured, which goes on.
            self._problem = error.problem
            return None
