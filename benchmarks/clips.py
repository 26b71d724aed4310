"""Clips of noise, to condition a transformer on."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from benchmarks.models import MOTION_FRAMES
from s2v_runner.transformer import Conditioning, TransformerConfig
from s2v_runner.transformer.motion import PACKED_FRAMES

_SEED = 0
LATER = "later"
"""The clips that continue another, and so have motion tokens."""


@dataclass(frozen=True)
class ClipCase:
    """What the cost of a pass depends on, besides the model."""

    width: int
    height: int
    frames: int
    """Video frames."""
    clip: str

    @property
    def labels(self) -> dict[str, str | int]:
        return {"size": f"{self.width}*{self.height}", "frames": self.frames, "clip": self.clip}

    @property
    def grid(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns."""
        return self.frames // 4, self.height // 8, self.width // 8


def list_cases(sizes: Iterable[tuple[int, int]], frames: Iterable[int], clips: Iterable[str]) -> list[ClipCase]:
    """Every combination."""
    return [ClipCase(*size, count, clip) for size in sizes for count in frames for clip in clips]


def draw_conditioning(config: TransformerConfig, case: ClipCase, device: torch.device) -> Conditioning:
    """The same noise every time; without values on the meta device."""
    generator = None if device.type == "meta" else torch.Generator(device).manual_seed(_SEED)
    frames, rows, columns = case.grid

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device, generator=generator)

    with_motion = case.clip == LATER
    return Conditioning(
        text_BTC=draw(1, config.text_length, config.text_dim),
        audio_BJCV=draw(1, config.num_audio_layers, config.audio_dim, case.frames),
        reference_BC1HW=draw(1, config.latent_channels, 1, rows, columns),
        pose_BCFHW=draw(1, config.pose_channels, frames, rows, columns),
        motion_BCMHW=draw(1, config.latent_channels, PACKED_FRAMES, rows, columns) if with_motion else None,
        motion_frames=MOTION_FRAMES,
    )


def draw_latents(config: TransformerConfig, case: ClipCase, device: torch.device) -> torch.Tensor:
    """Noisy latents [B, C, F, H, W], float32."""
    generator = None if device.type == "meta" else torch.Generator(device).manual_seed(_SEED + 1)
    return torch.randn((1, config.latent_channels, *case.grid), device=device, generator=generator)
