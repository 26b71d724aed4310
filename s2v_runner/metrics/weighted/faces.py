"""Faces, cut from frames in the way that a network has learned to see them."""

from dataclasses import dataclass

import cv2
import numpy as np

from s2v_runner.metrics.views import Box


@dataclass(frozen=True, kw_only=True)
class Framing:
    """A square around a face, told from the box that was found."""

    above: float
    """How far its top is above the top of the box, in heights of the box."""
    side: float
    """How long its sides are, in heights of the box."""
    pixels: int
    """How many pixels a side gets."""
    ground: int
    """The level of what lies beyond the frame."""


def cut_face(rgb: np.ndarray, box: Box, framing: Framing) -> np.ndarray:
    """The square, upright, centred on the box from left to right: [pixels, pixels, 3], 8 bits.

    Interpolated bilinearly, at places that need not be whole pixels, so that a face that moves slowly does not jerk.
    """
    rows, columns, _ = rgb.shape
    height = box.height * rows
    side = framing.side * height
    left = (box.left + box.width / 2) * columns - side / 2
    top = box.top * rows - framing.above * height
    scale = side / framing.pixels
    # Pixels are squares whose centres are half a pixel from their edges.
    to_frame = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    return cv2.warpAffine(
        rgb,
        to_frame,
        (framing.pixels, framing.pixels),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(framing.ground, framing.ground, framing.ground),
    )
