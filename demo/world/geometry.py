"""Where the heads are, and how their faces turn: the drawn pictures, the skeletons and the boxes agree on this.

A face is drawn on a ball. Places on it are given as on a face that looks straight into the camera, counted from the
head's centre; turning and tilting the ball moves them and foreshortens what is there.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from demo.world.identity import Identities
from demo.world.performance import Performances

# Where a head rests, and what a full turn and a full tilt come to.
REST_HEIGHT = -0.09
FULL_TURN, FULL_TILT = 0.56, 0.26
_NOD_SHIFT = 0.025
# The ball is a little larger than the head's outline, so that the outline does not lie on its very edge.
_BALL = 1.08

EYE_HEIGHT = -0.07
MOUTH_HEIGHT = 0.255


@dataclass(frozen=True)
class Heads:
    """N heads of one frame each: numbers [N, 1, 1], ready to be spread over pictures, and colours [N, 3]."""

    looks: Identities
    acts: Performances
    x: Tensor
    y: Tensor
    turn: Tensor  # radians, to the picture's right
    tilt: Tensor  # radians, down

    def across(self, x: Tensor) -> Tensor:
        """Places on the face for places in the picture, from left to right, in the same shape."""
        radius = _BALL * self.looks.face_width
        return _unturn(x - self.x, radius, self.turn)

    def down(self, y: Tensor) -> Tensor:
        """The same from top to bottom."""
        radius = _BALL * self.looks.face_height
        return _unturn(y - self.y, radius, self.tilt)

    def picture_x(self, across: Tensor | float) -> Tensor:
        """Places in the picture for places on the face."""
        return self.x + _turn(across, _BALL * self.looks.face_width, self.turn)

    def picture_y(self, down: Tensor | float) -> Tensor:
        """The same from top to bottom."""
        return self.y + _turn(down, _BALL * self.looks.face_height, self.tilt)


def pose_heads(identities: Identities, performances: Performances) -> Heads:
    """Every frame of B takes of V frames as a head of its own, N = B V, take by take."""
    frames = performances.yaw.shape[1]

    def spread(value: Tensor) -> Tensor:
        value = value.repeat_interleave(frames, 0)
        return value[:, None, None] if value.ndim == 1 else value

    looks = identities.map(spread)
    acts = performances.map(lambda value: value.reshape(-1, 1, 1))
    y = REST_HEIGHT + acts.sway_y + _NOD_SHIFT * acts.pitch
    return Heads(looks, acts, acts.sway_x, y, FULL_TURN * acts.yaw, FULL_TILT * acts.pitch)


def head_centre(identities: Identities, performances: Performances) -> Tensor:
    """Where the middle of the head is in each frame, (x, y) in half frame sides from the middle [B, V, 2]."""
    heads = pose_heads(identities, performances)
    return torch.cat([heads.x, heads.y], 2).view(*performances.yaw.shape, 2)


def mouth_box(identities: Identities, performances: Performances) -> Tensor:
    """A box with room around the mouth, (left, top, right, bottom) from -1 to 1 [B, V, 4]."""
    heads = pose_heads(identities, performances)
    reach = 0.30 * heads.looks.mouth_scale
    return _box(heads, -reach, MOUTH_HEIGHT - 0.13, reach, MOUTH_HEIGHT + 0.25).view(*performances.yaw.shape, 4)


def eye_boxes(identities: Identities, performances: Performances) -> Tensor:
    """A box with room around both eyes, (left, top, right, bottom) from -1 to 1 [B, V, 4]."""
    heads = pose_heads(identities, performances)
    reach = heads.looks.eye_distance + heads.looks.eye_size + 0.03
    height = heads.looks.eye_size + 0.03
    return _box(heads, -reach, EYE_HEIGHT - height, reach, EYE_HEIGHT + height).view(*performances.yaw.shape, 4)


def _box(heads: Heads, left: Tensor, top: Tensor | float, right: Tensor, bottom: Tensor | float) -> Tensor:
    edges = heads.picture_x(left), heads.picture_y(top), heads.picture_x(right), heads.picture_y(bottom)
    return torch.cat(edges, 2).clamp(-1, 1)


def _unturn(place: Tensor, radius: Tensor, angle: Tensor) -> Tensor:
    # Beyond the ball's edge there is nothing new to see.
    seen = ((place / radius).clamp(-1, 1).asin() - angle).clamp(-math.pi / 2, math.pi / 2)
    return radius * seen.sin()


def _turn(place: Tensor | float, radius: Tensor, angle: Tensor) -> Tensor:
    return radius * ((place / radius).clamp(-1, 1).asin() + angle).clamp(-math.pi / 2, math.pi / 2).sin()
