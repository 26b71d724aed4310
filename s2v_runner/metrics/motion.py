"""What moves, and what changes without moving."""

from collections.abc import Mapping

import cv2
import numpy as np

from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.observer import carry
from s2v_runner.metrics.views import View

_SINGLE = unknown("it has a single frame")
_BLOCK = 8
"""Sides of the parts of the small copy whose mean brightness is watched: grain is gone in the mean of so many."""
_STANDS_STILL = 0.25
"""Pixels of the small copy that a part may move from one frame to the next and still be called still."""


class MotionGauge:
    """How far things move, and what of each frame its forerunner does not explain.

    The warping error is that of W.-S. Lai et al.: Learning blind video temporal consistency. ECCV 2018, as a mean
    absolute difference of luma.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._moved: list[float] = []
        self._unexplained: list[float] = []

    def take(self, view: View) -> None:
        if self._before is not None and view.flow is not None and view.visible is not None:
            rows, columns = view.small_luma.shape
            self._moved.append(float(np.hypot(view.flow[..., 0], view.flow[..., 1]).mean()) / max(rows, columns))
            if view.visible.any():
                left = cv2.absdiff(view.small_luma, carry(self._before, view.flow))
                self._unexplained.append(float(left[view.visible].mean()))
        self._before = view.small_luma

    def read(self) -> Mapping[str, Measure]:
        if not self._moved:
            return {"motion": _SINGLE, "warp_error": _SINGLE}
        hidden = unknown("nothing of any frame is seen in the one before")
        left = known(float(np.mean(self._unexplained))) if self._unexplained else hidden
        return {"motion": known(100 * float(np.mean(self._moved))), "warp_error": left}


class FlickerGauge:
    """How far the brightness of what stands still is from the middle of the frames before and after."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._still: list[np.ndarray] = []
        self._off: list[float] = []
        self._count = 0

    def take(self, view: View) -> None:
        self._count += 1
        parts = _in_parts(view.small_luma.astype(np.float32))
        moved = np.zeros(view.small_luma.shape, np.float32) if view.flow is None else _length(view.flow)
        self._parts = [*self._parts[-2:], parts]
        self._still = [*self._still[-2:], _in_parts(moved) < _STANDS_STILL]
        if len(self._parts) == 3:
            before, now, after = self._parts
            still = self._still[1] & self._still[2]
            if still.any():
                self._off.append(float(np.abs(now - (before + after) / 2)[still].mean()))

    def read(self) -> Mapping[str, Measure]:
        if self._off:
            return {"flicker": known(float(np.mean(self._off)))}
        return {"flicker": unknown("nothing stands still" if self._count > 2 else "it has fewer than three frames")}


class SeamGauge:
    """How much changes where one clip ends and the next begins, against what changes within clips."""

    def __init__(self) -> None:
        self._before: View | None = None
        self._within: list[float] = []
        self._at_seams: list[float] = []

    def take(self, view: View) -> None:
        if self._before is not None:
            change = float(cv2.absdiff(view.small_luma, self._before.small_luma).mean())
            (self._within if view.clip == self._before.clip else self._at_seams).append(change)
        self._before = view

    def read(self) -> Mapping[str, Measure]:
        if not self._at_seams:
            return {"seam_jump": unknown("it has a single clip")}
        usual = float(np.quantile(self._within, _USUAL)) if self._within else 0.0
        if usual == 0:
            return {"seam_jump": unknown("nothing changes within clips")}
        return {"seam_jump": known(max(self._at_seams) / usual)}


_USUAL = 0.95
"""Share of the changes within clips that what a seam is held against is above."""


def _in_parts(values: np.ndarray) -> np.ndarray:
    rows, columns = values.shape
    size = (max(1, columns // _BLOCK), max(1, rows // _BLOCK))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def _length(flow: np.ndarray) -> np.ndarray:
    return np.hypot(flow[..., 0], flow[..., 1])
