"""Edges and grain."""

from collections.abc import Mapping

import cv2
import numpy as np

from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.views import View

# J. Immerkær: Fast noise variance estimation. Computer Vision and Image Understanding 64 (2), 1996: blind to what is
# plain or slopes evenly.
_GRAIN = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_GRAIN_GAIN = np.sqrt(np.pi / 2) / 6
"""From the mean absolute answer of that filter to the standard deviation of white noise."""
_PLAIN = 0.5
"""Share of the pixels that grain is looked for in: those of the faintest edges, which would else be taken for it."""
_SLOPE_POWER = 24.0
"""Power that both of Sobel's filters together make of noise whose variance is 1."""
_SLOPE_GAIN = 8.0
"""Answer of Sobel's filter to a slope of one level a pixel."""
_SMALLEST = 8
_TOO_SMALL = unknown(f"its frames have fewer than {_SMALLEST} rows or columns")


class DetailGauge:
    """How strong edges are (E. Tenenbaum's squared gradient), and how much grain there is."""

    def __init__(self) -> None:
        self._edges: list[float] = []
        self._grain: list[float] = []
        self._small = False

    def take(self, view: View) -> None:
        if min(view.luma.shape) < _SMALLEST:
            self._small = True
            return
        edges, grain = measure_detail(view.luma)
        self._edges.append(edges)
        self._grain.append(grain)

    def read(self) -> Mapping[str, Measure]:
        if self._small:
            return {"sharpness": _TOO_SMALL, "noise": _TOO_SMALL}
        return {"sharpness": known(float(np.mean(self._edges))), "noise": known(float(np.mean(self._grain)))}


def measure_detail(luma: np.ndarray) -> tuple[float, float]:
    """Root mean square slope in levels a pixel, without what noise adds; and the noise's standard deviation."""
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    power = cv2.blur(across * across + down * down, (5, 5))[2:-2, 2:-2]
    answer = cv2.filter2D(luma, cv2.CV_32F, _GRAIN)[2:-2, 2:-2]
    faintest = power <= np.quantile(power[::4, ::4], _PLAIN)
    grain = float(np.abs(answer[faintest]).mean()) * _GRAIN_GAIN
    edges = max(0.0, float(power.mean()) - _SLOPE_POWER * grain**2)
    return float(np.sqrt(edges)) / _SLOPE_GAIN, grain
