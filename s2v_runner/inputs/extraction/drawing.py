"""A pose as a picture: tapering limbs at six tenths of their colours and bright joints, thin fingers, on black.

That is how the pose videos look that the model was trained on. Their measures were taken from the example that comes
with it: 960 by 540 pixels, halved from 1920 by 1080, on which limbs are 9 pixels thick in the middle, joints 9,
fingers 2 and their joints 5. Of faces nothing but nose, eyes and ears is drawn, and no feet.
"""

import math

import numpy as np

from s2v_runner.inputs.extraction.skeleton import (
    BODY,
    BODY_COLOURS,
    BODY_LIMBS,
    HAND,
    HAND_JOINT_COLOUR,
    HAND_LIMBS,
    LEFT_HAND,
    RIGHT_HAND,
)

# The example is drawn at twice its size, and its limbs reach 4 pixels to either side where the short side has 1080.
_FINER = 2
_SIDE_OF_LIMB = 270
_FURTHEST = 1 << 14
"""From the upper left corner: OpenCV counts sixteenths of pixels in 32 bits."""


def draw_pose(places: np.ndarray, shown: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture [height, width, 3], 8 bits, of joints at these columns and rows [60, 2].

    `shown` [60] says which joints there are. A limb is drawn where both its ends are. Joints may lie outside.
    """
    # Slow to import.
    import cv2

    fine = np.zeros((height * _FINER, width * _FINER, 3), np.uint8)
    half = max(1, round(min(fine.shape[:2]) / _SIDE_OF_LIMB))
    # The middle of a pixel stays in the middle of those that it is divided into.
    joints = np.clip((places + 0.5) * _FINER - 0.5, -_FURTHEST, _FURTHEST)
    _draw_body(fine, joints[:BODY], shown[:BODY], half)
    for hand in (LEFT_HAND, RIGHT_HAND):
        _draw_hand(fine, joints[hand : hand + HAND], shown[hand : hand + HAND], max(1, half // 2))
    return cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)


def _draw_body(canvas: np.ndarray, joints: np.ndarray, shown: np.ndarray, half: int) -> None:
    import cv2

    for limb in BODY_LIMBS:
        if shown[limb.begin] and shown[limb.end]:
            cv2.fillConvexPoly(canvas, _ellipse(joints[limb.begin], joints[limb.end], half), limb.colour)
    for joint in np.flatnonzero(shown):
        cv2.circle(canvas, _pixel(joints[joint]), half, BODY_COLOURS[joint], thickness=-1)


def _draw_hand(canvas: np.ndarray, joints: np.ndarray, shown: np.ndarray, thickness: int) -> None:
    import cv2

    for limb in HAND_LIMBS:
        if shown[limb.begin] and shown[limb.end]:
            ends = _pixel(joints[limb.begin]), _pixel(joints[limb.end])
            cv2.line(canvas, *ends, limb.colour, thickness=thickness)
    for joint in np.flatnonzero(shown):
        cv2.circle(canvas, _pixel(joints[joint]), thickness, HAND_JOINT_COLOUR, thickness=-1)


def _pixel(place: np.ndarray) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))


def _ellipse(begin: np.ndarray, end: np.ndarray, half: int) -> np.ndarray:
    """The outline of a limb: an ellipse from end to end."""
    import cv2

    middle = (begin + end) / 2
    columns, rows = begin - end
    angle = round(math.degrees(math.atan2(rows, columns)))
    length = round(math.hypot(columns, rows) / 2)
    return np.asarray(cv2.ellipse2Poly(_pixel(middle), (length, half), angle, 0, 360, 1), np.int32)
