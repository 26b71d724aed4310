"""Light and colour of the frames, by themselves and beside those of the picture."""

from collections.abc import Mapping

import cv2
import numpy as np

from s2v_runner.metrics.likeness import WINDOW, ssim
from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.observer import PROXY_SIDE, shrink, to_lab
from s2v_runner.metrics.views import View

_PARTS = 3
"""Rows and columns of parts whose colours are compared."""
_BLACK, _WHITE = np.zeros(3, np.uint8), np.full(3, 255, np.uint8)
_SIDE = 64
"""Longer side of the copies that are held against the picture: people move, and detail with them."""


class LightGauge:
    """How bright and how colourful the frames are, and what of them is lost in black and white."""

    def __init__(self) -> None:
        self._luma: list[float] = []
        self._chroma: list[float] = []
        self._clipped: list[float] = []

    def take(self, view: View) -> None:
        self._luma.append(float(view.luma.mean()))
        self._chroma.append(float(np.hypot(view.small_lab[..., 1], view.small_lab[..., 2]).mean()))
        lost = sum(cv2.countNonZero(cv2.inRange(view.rgb, level, level)) for level in (_BLACK, _WHITE))
        self._clipped.append(lost / view.luma.size)

    def read(self) -> Mapping[str, Measure]:
        return {
            "exposure": known(float(np.mean(self._luma))),
            "saturation": known(float(np.mean(self._chroma))),
            "clipped": known(100 * float(np.mean(self._clipped))),
        }


class PictureGauge:
    """How near frames are to the picture, over the whole video and clip by clip.

    SSIM of luma (Z. Wang et al. 2004), and differences of mean colours in CIELAB (ΔE of 1976).
    """

    def __init__(self, picture_rgb: np.ndarray) -> None:
        small = shrink(picture_rgb, PROXY_SIDE)
        self._colours = _mean_colours(to_lab(small))
        self._luma = _coarse(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        self._alike: dict[int, list[float]] = {}
        self._drift: dict[int, list[float]] = {}

    def take(self, view: View) -> None:
        difference = _mean_colours(view.small_lab) - self._colours
        self._drift.setdefault(view.clip, []).append(float(np.sqrt(np.square(difference).sum(axis=-1)).mean()))
        if min(self._luma.shape) >= WINDOW:
            self._alike.setdefault(view.clip, []).append(ssim(_coarse(view.small_luma), self._luma))

    def read(self) -> Mapping[str, Measure]:
        small = unknown(f"it is smaller than the {WINDOW} pixels that SSIM looks at")
        return {
            "picture_ssim": known(_mean_of_all(self._alike)) if self._alike else small,
            "colour_drift": known(_mean_of_all(self._drift)),
        }

    def read_clips(self) -> Mapping[str, list[float]]:
        """The same over each clip."""
        by_clip = {"picture_ssim": self._alike, "colour_drift": self._drift}
        return {key: [float(np.mean(values)) for values in clips.values()] for key, clips in by_clip.items() if clips}


def _mean_colours(lab: np.ndarray) -> np.ndarray:
    return cv2.resize(lab, (_PARTS, _PARTS), interpolation=cv2.INTER_AREA)


def _coarse(luma: np.ndarray) -> np.ndarray:
    return shrink(luma, _SIDE).astype(np.float32)


def _mean_of_all(clips: Mapping[int, list[float]]) -> float:
    return float(np.mean([value for values in clips.values() for value in values]))
