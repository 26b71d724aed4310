"""A small random transformer and what to give it."""

import dataclasses

import torch

from benchmarks.models import TINY
from s2v_runner.transformer import Backend, Conditioning, S2VTransformer, plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from s2v_runner.transformer.linear import fill_parameter
from s2v_runner.transformer.model import FLOAT32_PREFIXES
from tests.conftest import CPU

CONFIG = dataclasses.replace(
    TINY,
    model_dim=96,
    num_layers=3,
    text_dim=24,
    text_length=10,
    audio_dim=12,
    num_audio_layers=5,
    audio_injection_layers=(0, 2),
)
FRAMES = 3


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make_conditioning(seed: int = 0, batch: int = 1, with_motion: bool = True) -> Conditioning:
    return Conditioning(
        text_BTC=draw(seed, batch, 6, CONFIG.text_dim),
        audio_BJCV=draw(seed + 1, batch, CONFIG.num_audio_layers, CONFIG.audio_dim, 4 * FRAMES),
        reference_BC1HW=draw(seed + 2, batch, 16, 1, 8, 16),
        pose_BCFHW=draw(seed + 3, batch, 16, FRAMES, 8, 16),
        motion_BCMHW=draw(seed + 4, batch, 16, 19, 8, 16) if with_motion else None,
        motion_frames=73,
    )


LATENTS = draw(9, 1, 16, FRAMES, 8, 16)
TIME = torch.tensor([700.0])


@torch.no_grad()
def make_transformer(backend: Backend, dtype: torch.dtype) -> S2VTransformer:
    """The same weights whatever the backend and the dtype, rounded as a bfloat16 checkpoint holds them."""
    drawn = random_transformer(CONFIG, plain_backend("sdpa"), CPU, torch.float32, seed=3)
    with torch.device("meta"):
        model = S2VTransformer(CONFIG, backend)
    for name, parameter in drawn.named_parameters():
        # Larger than the initialiser's, so that every path has a say in the result.
        kept = torch.float32 if name.startswith(FLOAT32_PREFIXES) else dtype
        fill_parameter(model, name, (parameter * 4).bfloat16().to(kept))
    return model.eval()
