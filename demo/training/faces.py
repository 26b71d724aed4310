"""Drawn heads for the reader to learn: random people who do anything that a head can do, each frame by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from demo.reading import QUANTITIES, SIDE, true_readings
from demo.world.head import render
from demo.world.identity import draw_identities
from demo.world.mouth import MouthTrack
from demo.world.performance import Performances

_FRAMES_A_PERSON = 4
_ANY_MOUTH_SHARE = 0.6
_SHUT_SHARE = 0.12
_FARTHEST = 0.14
"""A little more than heads sway, in half frame sides."""
_AWAKE_SHARE, _ASLEEP_SHARE = 0.45, 0.2


@dataclass(frozen=True)
class Faces:
    """N pictures with what is to be read off them."""

    pictures_NCHW: Tensor  # uint8, as in a video file
    truth_NQ: Tensor

    def frames(self) -> Tensor:
        """The pictures from -1 to 1, float32."""
        return self.pictures_NCHW.float().div_(127.5).sub_(1)


def list_shapes(mouths: Sequence[MouthTrack]) -> Tensor:
    """Opening, width and rounding in all frames of the tracks [F, 3]."""
    columns = (
        np.concatenate([getattr(track, name) for track in mouths]) for name in ("opening_V", "width_V", "rounding_V")
    )
    return torch.from_numpy(np.stack(list(columns), axis=1))


def draw_faces(shapes_F3: Tensor, count: int, device: torch.device, generator: torch.Generator) -> Faces:
    """So many pictures, a few of each person. The mouths are those of speech, or any that can be drawn.

    `count` is a multiple of four; the generator is one of the CPU.
    """
    people = count // _FRAMES_A_PERSON
    identities = draw_identities(people, generator).to(device)
    performances = draw_moments(shapes_F3, people, generator).to(device)
    video = render(identities, performances, SIDE)
    readings = true_readings(identities, performances)
    truth = torch.stack([getattr(readings, name) for name in QUANTITIES], 2)
    pictures = video.transpose(1, 2).flatten(0, 1).add_(1).mul_(127.5).round_().to(torch.uint8)
    return Faces(pictures, truth.flatten(0, 1))


def draw_moments(shapes_F3: Tensor, people: int, generator: torch.Generator) -> Performances:
    """Frames that do not follow on each other [people, V]: anything may come with anything."""
    shape = people, _FRAMES_A_PERSON

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=generator)

    spoken = shapes_F3[torch.randint(len(shapes_F3), shape, generator=generator)].unbind(2)
    # Small openings are harder to tell apart than large ones.
    opening = between(0, 1) ** 1.3 * (between(0, 1) > _SHUT_SHARE)
    anything = between(0, 1) < _ANY_MOUTH_SHARE
    mouth = [torch.where(anything, *both) for both in zip((opening, between(0, 1), between(0, 1)), spoken, strict=True)]
    lid, eyelids = between(0, 1), between(0, 1)
    blink = torch.where(lid < _AWAKE_SHARE, 0.0, torch.where(lid > 1 - _ASLEEP_SHARE, 1.0, eyelids))
    return Performances(
        opening=mouth[0],
        width=mouth[1],
        rounding=mouth[2],
        smile=between(-0.1, 1.1).clamp(0, 1),
        yaw=between(-1, 1),
        pitch=between(-1, 1),
        sway_x=between(-_FARTHEST, _FARTHEST),
        sway_y=between(-_FARTHEST, _FARTHEST),
        blink=blink,
    )


class FacePool:
    """The pictures drawn last, to learn several times from each: drawing may take longer than learning."""

    def __init__(self, shapes_F3: Tensor, size: int, device: torch.device) -> None:
        self._shapes_F3 = shapes_F3
        self._pictures_NCHW = torch.empty(size, 3, SIDE, SIDE, dtype=torch.uint8, device=device)
        self._truth_NQ = torch.empty(size, len(QUANTITIES), device=device)
        self._drawn = 0

    def draw(self, count: int, generator: torch.Generator) -> None:
        """Draw new pictures in place of the oldest; the pool's size is a multiple of `count`."""
        size = len(self._truth_NQ)
        assert size % count == 0
        faces = draw_faces(self._shapes_F3, count, self._truth_NQ.device, generator)
        begin = self._drawn % size
        self._pictures_NCHW[begin : begin + count] = faces.pictures_NCHW
        self._truth_NQ[begin : begin + count] = faces.truth_NQ
        self._drawn += count

    def pick(self, count: int, generator: torch.Generator) -> Faces:
        """Random ones of those in it."""
        there = min(self._drawn, len(self._truth_NQ))
        rows = torch.randint(there, (count,), generator=generator).to(self._truth_NQ.device)
        return Faces(self._pictures_NCHW[rows], self._truth_NQ[rows])
