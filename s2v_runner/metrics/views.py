"""What a gauge is shown of a video: one frame after the other, with what several gauges need worked out once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from s2v_runner.metrics.measures import Measure


class Box(NamedTuple):
    """A part of a picture, in shares of its width and height from the left top corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class View:
    """One frame, and what was worked out of it. Nothing in it may be written to."""

    index: int
    """In the finished video, from 0."""
    clip: int
    finite: bool
    """Whether all of it were numbers before they became 8 bits."""
    rgb: np.ndarray
    """The frame itself, [rows, columns, 3], 8 bits."""
    small_rgb: np.ndarray
    """A copy whose longer side is PROXY_SIDE at most, 8 bits."""
    luma: np.ndarray
    """Of the frame, [rows, columns], 8 bits."""
    small_luma: np.ndarray
    """Of that copy, [rows, columns], 8 bits."""
    small_lab: np.ndarray
    """The small copy in CIELAB, float32, lightness 0 to 100."""
    flow: np.ndarray | None
    """Where each pixel of the small copy was in the frame before: [rows, columns, 2] float32, columns and rows, in its
    pixels; None in the first frame."""
    visible: np.ndarray | None
    """Which pixels of the small copy were seen in the frame before too, [rows, columns]; None in the first frame."""
    face: Box | None
    """Where the face is, square in pixels, from under the hairline to just above the chin; None without one."""


class Gauge(Protocol):
    """Sees every frame of a video, in order, and keeps little of it."""

    def take(self, view: View) -> None: ...

    def read(self) -> Mapping[str, Measure]:
        """By the keys of their metrics. Once every frame was taken."""
        ...
