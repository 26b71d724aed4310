"""A pass whose tokens are in several processes is a pass in one."""

import dataclasses
from functools import cache

import pytest
import torch

from benchmarks.models import TINY
from s2v_runner.parallel.sequence import SharedSequence
from s2v_runner.transformer import Backend, Conditioning, S2VTransformer, plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from s2v_runner.transformer.linear import fill_parameter
from s2v_runner.transformer.sequence import divide_tokens
from tests.conftest import CPU
from tests.parallel.ranks import Group, run_ranks
from tests.transformer.models import draw

# Six heads divide among two processes and among three.
CONFIG = dataclasses.replace(
    TINY,
    model_dim=96,
    num_heads=6,
    num_layers=3,
    text_dim=24,
    text_length=10,
    audio_dim=12,
    num_audio_layers=5,
    audio_injection_layers=(0, 2),
)
PLAIN = plain_backend("sdpa")
TIME = torch.tensor([700.0])
# A frame of 8 rows and 16 columns of latents is 32 tokens, the motion 48, or 0.
CASES = {
    "even": (3, 16, True),
    "uneven in three": (3, 16, False),
    "one frame, odd": (1, 24, True),
    "frames of several processes": (1, 8, False),
}
Case = tuple[int, int, bool]
BATCHES = (1, 2)


def conditioning(frames: int, columns: int, with_motion: bool, batch: int = 1) -> Conditioning:
    return Conditioning(
        text_BTC=draw(0, batch, 6, CONFIG.text_dim),
        audio_BJCV=draw(1, batch, CONFIG.num_audio_layers, CONFIG.audio_dim, 4 * frames),
        reference_BC1HW=draw(2, batch, 16, 1, 8, columns),
        pose_BCFHW=draw(3, batch, 16, frames, 8, columns),
        motion_BCMHW=draw(4, batch, 16, 19, 8, columns) if with_motion else None,
        motion_frames=73,
    )


@cache
def drawn() -> S2VTransformer:
    return random_transformer(CONFIG, PLAIN, CPU, torch.float32, seed=3)


@torch.no_grad()
def transformer(backend: Backend) -> S2VTransformer:
    with torch.device("meta"):
        model = S2VTransformer(CONFIG, backend)
    for name, parameter in drawn().named_parameters():
        # Larger than the initialiser's, so that every path has a say in the result.
        fill_parameter(model, name, parameter * 4)
    return model.eval()


@torch.no_grad()
def velocity(backend: Backend, frames: int, columns: int, with_motion: bool, batch: int) -> torch.Tensor:
    model = transformer(backend)
    prepared = model.prepare(conditioning(frames, columns, with_motion, batch))
    return model(draw(9, batch, 16, frames, 8, columns), TIME.expand(batch), prepared)


def shared_velocities(group: Group) -> dict[tuple[str, int], torch.Tensor]:
    backend = dataclasses.replace(PLAIN, sequence=SharedSequence(group.everyone))
    return {(name, batch): velocity(backend, *case, batch) for name, case in CASES.items() for batch in BATCHES}


@pytest.mark.parametrize("size", [2, 3])
def test_processes_that_share_the_tokens_find_the_velocity_of_one(size: int):
    for shared in run_ranks(size, shared_velocities):
        for (name, batch), found in shared.items():
            alone = velocity(PLAIN, *CASES[name], batch)
            torch.testing.assert_close(found, alone, rtol=0, atol=1e-5 * alone.abs().max().item(), msg=name)


def test_the_cases_have_frames_cut_in_two_and_a_process_without_a_noisy_token():
    shares = {
        name: [divide_tokens(frames * 4 * columns // 2, context(columns, with_motion), 3, rank) for rank in range(3)]
        for name, (frames, columns, with_motion) in CASES.items()
    }
    assert any(share.noisy.stop % 32 for share in shares["even"])
    assert len(set(shares["uneven in three"][0].counts)) == 2
    assert len(shares["one frame, odd"][2].noisy) == 0


def context(columns: int, with_motion: bool) -> int:
    """Tokens of the reference and, at three densities, of the motion."""
    frame = 4 * columns // 2
    return frame + (frame + frame // 4 + 4 * frame // 16 if with_motion else 0)
