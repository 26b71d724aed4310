"""The same takes as skeletons: coloured limbs and bright joints on black, as pose estimators draw people."""

from dataclasses import dataclass

import torch
from torch import Tensor

from demo.world.drawing import Canvas
from demo.world.geometry import EYE_HEIGHT, Heads, pose_heads
from demo.world.identity import Identities
from demo.world.performance import Performances

_PIXELS_AT_ONCE = 2**22
_LIMB_BRIGHTNESS = 0.6
_LIMB_WIDTH, _JOINT_SIZE = 0.016, 0.024
_NECK_HEIGHT, _SHOULDER_HEIGHT = 0.64, 0.80
_EAR = 0.93  # in face widths from the middle


@dataclass(frozen=True)
class _Limb:
    begin: str
    end: str
    colour: tuple[float, float, float]


# Left and right are the picture's.
_LIMBS = (
    _Limb("neck", "left shoulder", (0.0, 0.25, 1.0)),
    _Limb("neck", "right shoulder", (0.0, 0.55, 1.0)),
    _Limb("neck", "nose", (1.0, 0.0, 0.0)),
    _Limb("nose", "left eye", (1.0, 0.0, 0.35)),
    _Limb("nose", "right eye", (1.0, 0.0, 1.0)),
    _Limb("left eye", "left ear", (1.0, 0.0, 0.65)),
    _Limb("right eye", "right ear", (0.65, 0.0, 1.0)),
)
_JOINTS = {
    "neck": (0.0, 0.4, 1.0),
    "left shoulder": (0.0, 0.7, 1.0),
    "right shoulder": (0.3, 1.0, 0.3),
    "nose": (1.0, 0.4, 0.0),
    "left eye": (1.0, 0.2, 0.6),
    "right eye": (1.0, 0.3, 1.0),
    "left ear": (0.8, 0.2, 1.0),
    "right ear": (0.4, 0.2, 1.0),
}


@torch.no_grad()
def render_pose(identities: Identities, performances: Performances, size: int) -> Tensor:
    """Skeletons of B heads in V frames of size × size [B, 3, V, H, W], float32 from -1 to 1, on the inputs' device.

    They show where the head is, how it is turned and tilted, and the shoulders, but neither mouth nor looks.
    """
    takes, frames = performances.yaw.shape
    video = torch.empty(takes, 3, frames, size, size, device=performances.yaw.device)
    at_once = max(1, _PIXELS_AT_ONCE // size**2)
    takes_at_once, frames_at_once = max(1, at_once // frames), min(frames, at_once)
    for take in range(0, takes, takes_at_once):
        some = slice(take, take + takes_at_once)
        people, acts = identities.select(some), performances.select(some)
        for frame in range(0, frames, frames_at_once):
            window = slice(frame, frame + frames_at_once)
            heads = pose_heads(people, acts.window(window.start, window.stop))
            pictures = _draw(heads, size).view(len(people), -1, 3, size, size)
            video[some, :, window] = pictures.transpose(1, 2).mul_(2).sub_(1)
    return video


def _draw(heads: Heads, size: int) -> Tensor:
    """Skeletons [N, 3, H, W] from 0 to 1."""
    joints = _place_joints(heads)
    canvas = Canvas.over(torch.zeros(len(heads.x), 3, size, size, device=heads.x.device))
    for limb in _LIMBS:
        cover = _cover_limb(canvas.x, canvas.y, joints[limb.begin], joints[limb.end], canvas.pixel)
        canvas.paint(_colour(limb.colour, heads) * _LIMB_BRIGHTNESS, cover)
    for name, colour in _JOINTS.items():
        x, y = joints[name]
        distance = ((canvas.x - x).square() + (canvas.y - y).square()).sqrt_()
        cover = ((_JOINT_SIZE / canvas.pixel + 0.5) - distance.mul_(1 / canvas.pixel)).clamp_(0, 1)
        canvas.paint(_colour(colour, heads), cover)
    return canvas.colours


def _place_joints(heads: Heads) -> dict[str, tuple[Tensor, Tensor]]:
    """Where the joints are in the picture, (x, y), each [N, 1, 1]."""
    looks = heads.looks
    middle = torch.zeros_like(heads.x)
    nose = heads.x + heads.looks.face_width * 1.25 * heads.turn.sin(), heads.picture_y(looks.nose_length)
    joints = {"neck": (middle, middle + _NECK_HEIGHT), "nose": nose}
    for name, side in (("left", -1.0), ("right", 1.0)):
        joints[f"{name} shoulder"] = side * 0.8 * looks.shoulder_width, middle + _SHOULDER_HEIGHT
        joints[f"{name} eye"] = heads.picture_x(side * looks.eye_distance), heads.picture_y(EYE_HEIGHT)
        # The ears lie at the axis that the head tilts about.
        ear = heads.x + side * _EAR * looks.face_width * heads.turn.cos()
        joints[f"{name} ear"] = ear, heads.y - 0.05 * heads.tilt
    return joints


def _cover_limb(x: Tensor, y: Tensor, begin: tuple[Tensor, Tensor], end: tuple[Tensor, Tensor], pixel: float) -> Tensor:
    """How far a limb covers each pixel [N, H, W]: thick in the middle, thin at its ends."""
    along_x, along_y = end[0] - begin[0], end[1] - begin[1]
    length = (along_x.square() + along_y.square()).sqrt().clamp(min=1e-3)
    along_x, along_y = along_x / length, along_y / length
    x, y = x - (begin[0] + end[0]) / 2, y - (begin[1] + end[1]) / 2
    along = (x * along_x + y * along_y).mul_(2 / length).square_()
    aside = (x * along_y - y * along_x).mul_(1 / _LIMB_WIDTH).square_()
    steepness = _LIMB_WIDTH / (2 * pixel)
    return (steepness + 0.5 - along.add_(aside).mul_(steepness)).clamp_(0, 1)


def _colour(colour: tuple[float, float, float], heads: Heads) -> Tensor:
    return torch.tensor(colour, device=heads.x.device).expand(len(heads.x), 3)
