"""Small videos, as gauges are shown them."""

from collections.abc import Mapping

import numpy as np

from s2v_runner.metrics.measures import Measure
from s2v_runner.metrics.views import Box, Gauge, View

FACE = Box(0.3, 0.2, 0.4, 0.6)


def make_view(index: int, rgb: np.ndarray, face: Box | None) -> View:
    """A frame of the first clip; these gauges look at nothing that is worked out of it but the face."""
    luma = rgb[..., 0]
    return View(
        index=index,
        clip=0,
        finite=True,
        rgb=rgb,
        small_rgb=rgb,
        luma=luma,
        small_luma=luma,
        small_lab=rgb.astype(np.float32),
        flow=None,
        visible=None,
        face=face,
    )


def show(gauge: Gauge, frames: list[np.ndarray], face: Box | None) -> Mapping[str, Measure]:
    for index, rgb in enumerate(frames):
        gauge.take(make_view(index, rgb, face))
    return gauge.read()


def draw(seed: int, rows: int, columns: int) -> np.ndarray:
    """Noise in blocks of 4 by 4, which survives a change of size."""
    blocks = np.random.default_rng(seed).integers(0, 256, (rows // 4, columns // 4, 3), np.uint8)
    return blocks.repeat(4, axis=0).repeat(4, axis=1)


def the_value(measures: Mapping[str, Measure], key: str) -> float:
    value = measures[key].value
    assert value is not None, measures[key].reason
    return value
