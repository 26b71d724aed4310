"""Frames as they come → views: small copies, the optical flow between them, and the face."""

import cv2
import numpy as np

from s2v_runner.metrics.faces import FaceTrack
from s2v_runner.metrics.views import View

PROXY_SIDE = 256
"""Longest side of the small copies, in pixels."""
_SMALLEST_FOR_FLOW = 16
"""Pixels of a side that the flow's patches need."""
# Where a pixel does not come back to itself along both flows, it was covered or uncovered. N. Sundaram, T. Brox,
# K. Keutzer: Dense point trajectories by GPU-accelerated large displacement optical flow. ECCV 2010.
_RETURN_SHARE, _RETURN_PIXELS = 0.01, 0.5


class Observer:
    """Turns the frames of one video into views, in order. Keeps one small copy."""

    def __init__(self, face: FaceTrack) -> None:
        self._face = face
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: np.ndarray | None = None
        self._index = 0

    def see(self, rgb: np.ndarray, clip: int, finite: bool) -> View:
        """The view of the next frame, [rows, columns, 3], 8 bits."""
        luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        small_rgb = shrink(rgb, PROXY_SIDE)
        small_luma = luma if small_rgb is rgb else shrink(luma, PROXY_SIDE)
        flow = visible = None
        if self._before is not None:
            flow, visible = self._follow(self._before, small_luma)
        view = View(
            index=self._index,
            clip=clip,
            finite=finite,
            rgb=rgb,
            luma=luma,
            small_rgb=small_rgb,
            small_luma=small_luma,
            small_lab=to_lab(small_rgb),
            flow=flow,
            visible=visible,
            face=self._face.follow(self._index, small_luma, flow),
        )
        self._before = small_luma
        self._index += 1
        return view

    def _follow(self, before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each pixel was, and which of them were seen there."""
        if min(now.shape) < _SMALLEST_FOR_FLOW:
            return np.zeros((*now.shape, 2), np.float32), np.ones(now.shape, bool)
        back, forth = self._flow_between(now, before), self._flow_between(before, now)
        there = carry(forth, back)
        returned = np.square(back + there).sum(axis=2)
        allowed = _RETURN_SHARE * (np.square(back).sum(axis=2) + np.square(there).sum(axis=2)) + _RETURN_PIXELS
        return back, (returned <= allowed) & _is_inside(back)

    def _flow_between(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Where in the other picture each pixel of the one is."""
        return np.asarray(self._flow.calc(one, other, np.zeros((*one.shape, 2), np.float32)), np.float32)


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """A picture of 8 bits in CIELAB, float32, of sRGB and D65."""
    return cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """A copy whose longer side is `side`; the very pixels where they are no more."""
    rows, columns = pixels.shape[:2]
    scale = side / max(rows, columns)
    if scale >= 1:
        return pixels
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def carry(values: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """What is found where the flow points to, between pixels too; the nearest border beyond the picture."""
    columns, rows = _places(flow)
    return cv2.remap(values, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _places(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]


def _is_inside(flow: np.ndarray) -> np.ndarray:
    columns, rows = _places(flow)
    return (columns >= 0) & (columns <= flow.shape[1] - 1) & (rows >= 0) & (rows <= flow.shape[0] - 1)
