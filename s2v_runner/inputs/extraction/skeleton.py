"""What of a person is drawn: the 18 joints of OpenPose and the 21 of each hand, and what joins them."""

import colorsys
from dataclasses import dataclass

import numpy as np

from s2v_runner.inputs.extraction.estimation import KeyPoints

Colour = tuple[int, int, int]
"""Red, green and blue, 0 … 255."""

BODY = 18
HAND = 21
JOINTS = BODY + 2 * HAND
LEFT_HAND, RIGHT_HAND = BODY, BODY + HAND
"""Where the joints of each hand begin."""

# Where COCO-WholeBody has the joints of OpenPose: nose, neck, right shoulder, elbow and wrist, left ones, right hip,
# knee and ankle, left ones, right and left eye, right and left ear. The neck is its own, between the shoulders.
_NECK = 1
_SHOULDERS = [5, 6]
_BODY_FROM = [0, 5, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
_LEFT_HAND_FROM, _RIGHT_HAND_FROM = 91, 112


@dataclass(frozen=True)
class Limb:
    """Two joints that are joined, by number."""

    begin: int
    end: int
    colour: Colour


@dataclass(frozen=True)
class Pose:
    """The joints of one person: first the body's, then those of the left hand and of the right."""

    places: np.ndarray
    """Columns and rows in the picture [60, 2]."""
    scores: np.ndarray
    """How certain each is [60]."""


def pose_of(points: KeyPoints) -> Pose:
    """The joints that are drawn. The neck is as certain as the less certain shoulder."""
    places, scores = points.places[_BODY_FROM], points.scores[_BODY_FROM]
    places[_NECK] = points.places[_SHOULDERS].mean(axis=0)
    scores[_NECK] = points.scores[_SHOULDERS].min()
    hands = [slice(begin, begin + HAND) for begin in (_LEFT_HAND_FROM, _RIGHT_HAND_FROM)]
    return Pose(
        np.concatenate([places, *(points.places[hand] for hand in hands)]),
        np.concatenate([scores, *(points.scores[hand] for hand in hands)]),
    )


# The model was trained on colours with red and blue exchanged: these are OpenPose's backwards.
BODY_COLOURS: tuple[Colour, ...] = (
    (0, 0, 255),
    (0, 85, 255),
    (0, 170, 255),
    (0, 255, 255),
    (0, 255, 170),
    (0, 255, 85),
    (0, 255, 0),
    (85, 255, 0),
    (170, 255, 0),
    (255, 255, 0),
    (255, 170, 0),
    (255, 85, 0),
    (255, 0, 0),
    (255, 0, 85),
    (255, 0, 170),
    (255, 0, 255),
    (170, 0, 255),
    (85, 0, 255),
)
HAND_JOINT_COLOUR: Colour = (255, 0, 0)

_BODY_EDGES = (
    (1, 2),
    (1, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (1, 0),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)
_LIMB_BRIGHTNESS = 0.6
_FINGERS = 5
_FINGER_JOINTS = 4


def _dim(colour: Colour) -> Colour:
    red, green, blue = (round(_LIMB_BRIGHTNESS * part) for part in colour)
    return red, green, blue


def _rainbow(share: float) -> Colour:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(share, 1, 1))
    return blue, green, red


BODY_LIMBS = tuple(
    Limb(begin, end, _dim(colour)) for (begin, end), colour in zip(_BODY_EDGES, BODY_COLOURS, strict=False)
)
_FINGER_EDGES = [
    (0 if joint == 0 else finger * _FINGER_JOINTS + joint, finger * _FINGER_JOINTS + joint + 1)
    for finger in range(_FINGERS)
    for joint in range(_FINGER_JOINTS)
]
HAND_LIMBS = tuple(
    Limb(begin, end, _rainbow(index / len(_FINGER_EDGES))) for index, (begin, end) in enumerate(_FINGER_EDGES)
)
"""From the wrist to the tip of each finger, thumb first; numbers are those within a hand."""
