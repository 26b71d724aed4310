"""Classifier-free guidance (Ho and Salimans, 2022)."""

from collections.abc import Callable

import torch

from s2v_runner.transformer import Conditioning, PreparedConditioning, S2VTransformer

Velocity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(latents_BCFHW, timestep_B) → velocity, float32."""


def guided_velocity(
    transformer: S2VTransformer, conditioned: Conditioning, negative_text_BTC: torch.Tensor, guide_scale: float
) -> Velocity:
    """The velocity to follow: u + g·(c − u), each branch prepared once.

    The unconditioned branch hears silence, as features of zero, and reads the negative prompt; picture, motion
    and pose are the same. A scale of at most 1 asks for no guidance and runs one branch.
    """
    with_speech = transformer.prepare(conditioned)
    if guide_scale <= 1:
        return _follow(transformer, with_speech)
    without = Conditioning(
        text_BTC=negative_text_BTC,
        audio_BJCV=torch.zeros_like(conditioned.audio_BJCV),
        reference_BC1HW=conditioned.reference_BC1HW,
        pose_BCFHW=conditioned.pose_BCFHW,
        motion_BCMHW=conditioned.motion_BCMHW,
        motion_frames=conditioned.motion_frames,
    )
    return _guide(transformer, with_speech, transformer.prepare(without), guide_scale)


def _follow(transformer: S2VTransformer, prepared: PreparedConditioning) -> Velocity:
    return lambda latents_BCFHW, timestep_B: transformer(latents_BCFHW, timestep_B, prepared)


def _guide(
    transformer: S2VTransformer, with_speech: PreparedConditioning, without: PreparedConditioning, scale: float
) -> Velocity:
    def velocity(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
        conditioned = transformer(latents_BCFHW, timestep_B, with_speech)
        unconditioned = transformer(latents_BCFHW, timestep_B, without)
        return unconditioned + scale * (conditioned - unconditioned)

    return velocity
