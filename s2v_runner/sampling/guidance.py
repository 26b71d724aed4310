"""Classifier-free guidance (Ho and Salimans, 2022), and how its passes are saved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from s2v_runner.records import Pass
from s2v_runner.transformer import Conditioning, S2VTransformer

Velocity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(latents_BCFHW, timestep_B) → velocity, float32."""

MakeVelocity = Callable[[], Velocity]
"""Prepares a branch, and gives its velocity."""


@dataclass(frozen=True)
class BranchPair:
    """The two branches of one clip."""

    both: Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    """(latents_BCFHW, timestep_B) → the velocities of the conditioned and of the unconditioned branch."""
    conditioned: Velocity


class Branches(Protocol):
    """Who works the two branches out."""

    def pair(self, conditioned: MakeVelocity, unconditioned: MakeVelocity) -> BranchPair:
        """The branches of one clip, prepared."""
        ...


class OneAfterTheOther:
    """Every process does both."""

    def pair(self, conditioned: MakeVelocity, unconditioned: MakeVelocity) -> BranchPair:
        first, second = conditioned(), unconditioned()
        return BranchPair(
            lambda latents_BCFHW, timestep_B: (first(latents_BCFHW, timestep_B), second(latents_BCFHW, timestep_B)),
            first,
        )


ONE_AFTER_THE_OTHER = OneAfterTheOther()


def guided_velocity(
    transformer: S2VTransformer,
    conditioned: Conditioning,
    negative_text_BTC: torch.Tensor,
    guide_scale: float,
    passes: Sequence[Pass],
    branches: Branches,
) -> Velocity:
    """The velocity to follow for one clip, to be asked once for each of `passes`, in order.

    Where the pass is guided it is u + g·(c − u), each branch prepared once. The unconditioned branch hears silence, as
    features of zero, and reads the negative prompt; picture, motion and pose are the same. A pass of one branch alone
    follows c; one that reuses follows c + (g − 1)·(c − u) with the difference of the last guided pass.
    """
    if "guided" not in passes:
        return _follow(transformer, conditioned)
    without = replace(conditioned, text_BTC=negative_text_BTC, audio_BJCV=torch.zeros_like(conditioned.audio_BJCV))
    pair = branches.pair(lambda: _follow(transformer, conditioned), lambda: _follow(transformer, without))
    return in_turn(pair, guide_scale, passes)


def in_turn(pair: BranchPair, guide_scale: float, passes: Sequence[Pass]) -> Velocity:
    """The two branches put together as each pass asks, one after the other."""
    differences: list[torch.Tensor] = []

    def guided(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
        with_speech, without = pair.both(latents_BCFHW, timestep_B)
        differences[:] = [with_speech - without]
        return without + guide_scale * differences[0]

    def reused(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
        return pair.conditioned(latents_BCFHW, timestep_B) + (guide_scale - 1) * differences[0]

    kinds: dict[Pass, Velocity] = {"guided": guided, "reused": reused, "conditioned": pair.conditioned}
    steps = iter([kinds[asked] for asked in passes])
    return lambda latents_BCFHW, timestep_B: next(steps)(latents_BCFHW, timestep_B)


def _follow(transformer: S2VTransformer, conditioning: Conditioning) -> Velocity:
    prepared = transformer.prepare(conditioning)
    return lambda latents_BCFHW, timestep_B: transformer(latents_BCFHW, timestep_B, prepared)
