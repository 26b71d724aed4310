"""Whether the person in a video is still the one of the picture, and how much the picture changes from frame to frame.

A head that moves cannot be laid over its picture. But the world can draw the same person again in the pose that is read
off each frame, and what is not mouth or eyes must then look the same. What is read wrongly makes the likeness worse, so
that drawn truth does not reach 1 either; how far it gets is measured as well.
"""

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from demo.reading import Readings
from demo.world.geometry import head_centre
from demo.world.head import render
from demo.world.identity import Identities
from demo.world.performance import Performances
from demo.world.regions import mark_features

_LEVELS = 127.5
"""Of 8 bits in one unit of a video from -1 to 1."""
_STATIC = 2.0
"""Levels by which the person may differ between two poses where the head never is."""
_FACE_RADIUS = 0.3
"""Of the disc about the head's centre that is taken for the face, in half frame sides."""
_LUMA = (0.299, 0.587, 0.114)
_SIGMA, _TAPS = 1.5, 11
_STEADY_MEAN, _STEADY_VARIANCE = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_LIMITS: dict[str, tuple[float, float]] = dict.fromkeys(("opening", "width", "rounding", "smile", "blink"), (0.0, 1.0))
_LIMITS |= dict.fromkeys(("yaw", "pitch"), (-1.2, 1.2)) | dict.fromkeys(("sway_x", "sway_y"), (-0.3, 0.3))


@dataclass(frozen=True)
class Likeness:
    """Of one video, float32 [V] each, except the last."""

    ground_error: Tensor
    """Mean absolute difference of colour to the picture where the head never is (background and clothes), in levels of
    8 bits."""
    face_error: Tensor
    """Difference of the mean colour of the face, without mouth and eyes, to that of the person drawn in the pose that
    was read, in levels."""
    ssim: Tensor
    """Structural similarity outside of mouth and eyes to the same person drawn in the pose that was read."""
    change: Tensor
    """Mean absolute difference of each frame to the one before it, in levels, [V - 1]."""


def perform_as_read(identities: Identities, readings: Readings) -> Performances:
    """What the heads would have to do to be read so, within what heads can do."""
    read = {field.name: getattr(readings, field.name, None) for field in fields(Performances)}
    nowhere = torch.zeros_like(readings.yaw)
    known = {name: nowhere if value is None else value.clamp(*_LIMITS[name]) for name, value in read.items()}
    x, y = head_centre(identities, Performances(**known)).unbind(2)
    sway = {"sway_x": readings.centre_x - x, "sway_y": readings.centre_y - y}
    return Performances(**{**known, **{name: value.clamp(*_LIMITS[name]) for name, value in sway.items()}})


@torch.no_grad()
def compare_looks(video_BCVHW: Tensor, identities: Identities, portrait: Performances, readings: Readings) -> Likeness:
    """One video (B is 1) beside its person. All on one device."""
    side = video_BCVHW.shape[-1]
    poses = perform_as_read(identities, readings)
    picture = render(identities, portrait, side)
    drawn = render(identities, poses, side)
    video = video_BCVHW.float()
    never_head_HW = ((drawn - picture).abs() * _LEVELS).amax((0, 1, 2)) < _STATIC
    ground = (video - picture)[0].abs().mean(0)[:, never_head_HW].mean(1) * _LEVELS
    features_VHW = mark_features(identities, poses, side)[0]
    centres = head_centre(identities, poses)
    face, own_face = (_mean_face(pictures, centres, features_VHW) for pictures in (video, drawn))
    return Likeness(
        ground_error=ground,
        face_error=(face - own_face).abs().mean(1) * _LEVELS,
        ssim=_compare_structure(video, drawn, features_VHW),
        change=video[0].diff(dim=1).abs().mean((0, 2, 3)) * _LEVELS,
    )


def _centres(side: int, device: torch.device) -> Tensor:
    return (torch.arange(side, device=device) + 0.5) / side * 2 - 1


def _mean_face(video_BCVHW: Tensor, centre_BV2: Tensor, features_VHW: Tensor) -> Tensor:
    """The mean colour of the discs about the centres, without the features, [V, 3]."""
    centres = _centres(video_BCVHW.shape[-1], video_BCVHW.device)
    x, y = centre_BV2[0].unbind(1)
    away_VHW = (centres - x[:, None])[:, None, :] ** 2 + (centres - y[:, None])[:, :, None] ** 2
    face_VHW = ((away_VHW < _FACE_RADIUS**2) & ~features_VHW).float()
    total = torch.einsum("cvhw,vhw->vc", video_BCVHW[0], face_VHW)
    return total / face_VHW.sum((1, 2)).clamp(min=1)[:, None]


def _compare_structure(one_BCVHW: Tensor, other_BCVHW: Tensor, left_out_VHW: Tensor) -> Tensor:
    """SSIM of the luma of each frame over what is not left out, [V].

    Source: Wang, Bovik, Sheikh and Simoncelli, 2004; Gaussian window of 11 taps, σ = 1.5. What is left out is grey in
    both, and no place within it counts.
    """
    luma = torch.tensor(_LUMA, device=one_BCVHW.device)
    kept_V1HW = ~left_out_VHW[:, None]
    pictures = [torch.einsum("cvhw,c->vhw", video[0], luma)[:, None] for video in (one_BCVHW, other_BCVHW)]
    one, other = (picture * _LEVELS * kept_V1HW for picture in pictures)
    taps = torch.arange(_TAPS, device=luma.device) - _TAPS // 2
    taps = torch.exp(-0.5 * (taps / _SIGMA) ** 2)
    taps = taps / taps.sum()

    def blur(plane: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(plane, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))

    # About the middle of the range, where squares are small; the means of the formula are those from black on.
    mean_one, mean_other = blur(one), blur(other)
    variances = blur(one * one) - mean_one**2 + blur(other * other) - mean_other**2
    covariance = blur(one * other) - mean_one * mean_other
    mean_one, mean_other = mean_one + _LEVELS, mean_other + _LEVELS
    alike = (2 * mean_one * mean_other + _STEADY_MEAN) * (2 * covariance + _STEADY_VARIANCE)
    alike = alike / ((mean_one**2 + mean_other**2 + _STEADY_MEAN) * (variances + _STEADY_VARIANCE))
    margin = _TAPS // 2
    kept = kept_V1HW[:, :, margin:-margin, margin:-margin]
    return (alike * kept).sum((1, 2, 3)) / kept.sum((1, 2, 3))
