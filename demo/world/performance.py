"""What a head does in a take: it speaks, sways, nods, turns, smiles and blinks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:  # heads can be drawn where nothing can speak
    from demo.world.mouth import MouthTrack

FRAMES_PER_SECOND = 16

_STILL, _NOD, _TURN, _SMILE = 0.15, 0.3, 0.4, 0.35
_FULL_CIRCLE = 2 * math.pi


@dataclass(frozen=True)
class Performances:
    """What B heads do in V frames, float32 [B, V] each."""

    opening: Tensor  # of the mouth, 0 ... 1
    width: Tensor  # 0 narrow ... 1 wide, 0.5 at rest
    rounding: Tensor  # 0 ... 1
    smile: Tensor  # 0 ... 1
    yaw: Tensor  # -1 turned to the picture's left ... 1 right
    pitch: Tensor  # -1 up ... 1 down
    sway_x: Tensor  # shift of the head in half frame sides, -0.12 ... 0.12
    sway_y: Tensor
    blink: Tensor  # 0 open ... 1 closed

    def to(self, device: torch.device | str) -> "Performances":
        """The same on a device."""
        return self.map(lambda value: value.to(device))

    def select(self, indices: Tensor | slice) -> "Performances":
        """Some of the takes, by number."""
        return self.map(lambda value: value[indices])

    def window(self, begin: int, end: int) -> "Performances":
        """The frames from `begin` up to and without `end`."""
        return self.map(lambda value: value[:, begin:end])

    def map(self, change: Callable[[Tensor], Tensor]) -> "Performances":
        """Every field changed in the same way."""
        return Performances(**{field.name: change(getattr(self, field.name)) for field in fields(self)})


@dataclass(frozen=True)
class Acts:
    """What stands out in each of B takes, beside the speech: bool [B] each, except the turn."""

    nod: Tensor
    turn: Tensor  # int64: -1 to the picture's left, 0 none, 1 right
    smile: Tensor
    still: Tensor

    def select(self, indices: Tensor | slice) -> "Acts":
        """Some of the takes, by number."""
        return Acts(**{field.name: getattr(self, field.name)[indices] for field in fields(self)})


def draw_acts(count: int, generator: torch.Generator) -> Acts:
    """Random acts; who keeps still neither nods nor turns."""

    def happens(probability: float) -> Tensor:
        return torch.rand(count, generator=generator) < probability

    still = happens(_STILL)
    turn = torch.where(happens(0.5), 1, -1) * happens(_TURN)
    return Acts(happens(_NOD) & ~still, turn * ~still, happens(_SMILE), still)


def perform(mouths: "Sequence[MouthTrack]", acts: Acts, generator: torch.Generator) -> Performances:
    """One take for each mouth, all equally long, with the movement of its acts; what moves does not know the speech.

    The generator is one of the CPU, and so is the result.
    """
    assert len(mouths) == len(acts.nod)
    opening, width, rounding = (
        torch.stack([torch.from_numpy(getattr(mouth, f"{name}_V")) for mouth in mouths])
        for name in ("opening", "width", "rounding")
    )
    count, frames = opening.shape
    seconds = torch.arange(frames) / FRAMES_PER_SECOND
    calm = torch.where(acts.still, 0.08, 1.0)[:, None]

    def wander(amount: float, pace: float) -> Tensor:
        return amount * calm * _wander(count, seconds, pace, generator)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, generator=generator)

    nod = between(0.6, 1.0) * torch.sin(_FULL_CIRCLE * (between(1.0, 1.8) * seconds + between(0.0, 1.0)))
    begin, lasting = between(0.0, 0.25), between(0.5, 0.7)
    turned = _ease((seconds - begin) / lasting) * acts.turn[:, None]
    nods, turns = acts.nod[:, None], acts.turn[:, None] != 0
    smile = torch.where(acts.smile[:, None], between(0.78, 0.92), between(0.02, 0.06)) + wander(0.04, 0.5)
    return Performances(
        opening=opening,
        width=width,
        rounding=rounding,
        smile=smile.clamp(0, 1),
        yaw=turned * between(0.68, 0.92) + torch.where(turns, 0.3, 1.0) * wander(0.24, 0.4),
        pitch=torch.where(nods, nod, wander(0.22, 0.4)),
        sway_x=wander(0.10, 0.3),
        sway_y=wander(0.06, 0.3),
        blink=_blink(count, frames, generator),
    )


def _wander(count: int, seconds: Tensor, pace: float, generator: torch.Generator) -> Tensor:
    """Slow random movement within -1 ... 1 [count, V]: three waves, none faster than `pace` a second."""
    waves = 3
    speeds = pace * (0.25 + 0.75 * torch.rand(count, waves, 1, generator=generator))
    phases = torch.rand(count, waves, 1, generator=generator)
    sizes = 0.5 + torch.rand(count, waves, 1, generator=generator)
    return (sizes / sizes.sum(1, keepdim=True) * torch.sin(_FULL_CIRCLE * (speeds * seconds + phases))).sum(1)


def _ease(share: Tensor) -> Tensor:
    """From 0 to 1 while the share goes from 0 to 1, starting and ending softly."""
    share = share.clamp(0, 1)
    return share * share * (3 - 2 * share)


def _blink(count: int, frames: int, generator: torch.Generator) -> Tensor:
    """Blinks of two or three frames, one in 1.5 to 4 seconds [count, V]."""
    most = 2 + math.ceil(frames / FRAMES_PER_SECOND / 1.5)
    gaps = 1.5 + 2.5 * torch.rand(count, most, generator=generator)
    # The take begins anywhere between two blinks.
    gaps[:, 0] *= torch.rand(count, generator=generator)
    onsets = (gaps.cumsum(1) * FRAMES_PER_SECOND).round().long()
    long = torch.rand(count, most, generator=generator) < 0.5
    blink = torch.zeros(count, frames + 3)
    last = torch.tensor(frames)
    for step, (short_closed, long_closed) in enumerate(((1.0, 0.6), (0.7, 1.0), (0.0, 0.5))):
        closed = torch.where(long, long_closed, short_closed)
        blink.scatter_(1, torch.minimum(onsets, last) + step, closed)
    return blink[:, :frames]
