"""Classifier-free guidance (Ho and Salimans, 2022), and how its passes are saved."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from s2v_runner.records import Pass
from s2v_runner.transformer import Conditioning, PreparedConditioning, S2VTransformer

Velocity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(latents_BCFHW, timestep_B) → velocity, float32."""


def guided_velocity(
    transformer: S2VTransformer,
    conditioned: Conditioning,
    negative_text_BTC: torch.Tensor,
    guide_scale: float,
    passes: Sequence[Pass],
) -> Velocity:
    """The velocity to follow for one clip, to be asked once for each of `passes`, in order.

    Where the pass is guided it is u + g·(c − u), each branch prepared once. The unconditioned branch hears silence, as
    features of zero, and reads the negative prompt; picture, motion and pose are the same. A pass of one branch alone
    follows c; one that reuses follows c + (g − 1)·(c − u) with the difference of the last guided pass.
    """
    with_speech = _follow(transformer, transformer.prepare(conditioned))
    if "guided" not in passes:
        return in_turn(with_speech, with_speech, guide_scale, passes)
    without = replace(conditioned, text_BTC=negative_text_BTC, audio_BJCV=torch.zeros_like(conditioned.audio_BJCV))
    return in_turn(with_speech, _follow(transformer, transformer.prepare(without)), guide_scale, passes)


def in_turn(conditioned: Velocity, unconditioned: Velocity, guide_scale: float, passes: Sequence[Pass]) -> Velocity:
    """The two branches put together as each pass asks, one after the other."""
    differences: list[torch.Tensor] = []

    def guided(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
        with_speech = conditioned(latents_BCFHW, timestep_B)
        without = unconditioned(latents_BCFHW, timestep_B)
        differences[:] = [with_speech - without]
        return without + guide_scale * differences[0]

    def reused(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
        return conditioned(latents_BCFHW, timestep_B) + (guide_scale - 1) * differences[0]

    kinds: dict[Pass, Velocity] = {"guided": guided, "reused": reused, "conditioned": conditioned}
    steps = iter([kinds[asked] for asked in passes])
    return lambda latents_BCFHW, timestep_B: next(steps)(latents_BCFHW, timestep_B)


def _follow(transformer: S2VTransformer, prepared: PreparedConditioning) -> Velocity:
    return lambda latents_BCFHW, timestep_B: transformer(latents_BCFHW, timestep_B, prepared)
