"""Frames that are no pictures."""

from collections.abc import Mapping

import cv2
import numpy as np

from s2v_runner.metrics.measures import Measure, known
from s2v_runner.metrics.views import View

# As FFmpeg's blackdetect has them.
_BLACK_LEVEL, _BLACK_SHARE = 25, 0.98
_FROZEN = 0.05
"""Mean absolute difference of luma to the frame before, up to which nothing has changed."""


class DefectGauge:
    """Counts frames that are black, the same as the one before, or were not numbers."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._dead, self._count = 0, 0

    def take(self, view: View) -> None:
        black = float(np.mean(view.small_luma <= _BLACK_LEVEL)) >= _BLACK_SHARE
        frozen = self._before is not None and float(cv2.absdiff(view.luma, self._before).mean()) <= _FROZEN
        self._dead += black or frozen or not view.finite
        self._count += 1
        self._before = view.luma

    def read(self) -> Mapping[str, Measure]:
        return {"dead_frames": known(100 * self._dead / self._count)}
