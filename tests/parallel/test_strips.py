"""Strips of a video, each in a process: together they make what one process makes."""

from itertools import starmap

import pytest
import torch
import torch.nn.functional as F

from s2v_runner.autoencoder import WHOLE_FRAMES, Autoencoder, decode_video, encode_video
from tests.autoencoder.weights import draw, draw_diffusers_vae, ours
from tests.parallel.ranks import run_ranks
from tests.parallel.striped import ask_for_halos, decode_in_turn, encode_and_decode

EXACT, HALVED = 1e-5, 4e-3
"""How far float32 may be off by rounding, and how far float16; without a neighbour's rows it is many times more."""

SHARES = {
    "as one": (4, [(0, 4)]),
    "evenly": (4, [(0, 2), (2, 4)]),
    "unevenly": (5, [(0, 1), (1, 3), (3, 5)]),
    "a row each": (3, [(0, 1), (1, 2), (2, 3)]),
    "two rows by three": (2, [(0, 1), (1, 2), (1, 2)]),
    "one row by three": (1, [(0, 1)] * 3),
}


@pytest.fixture(scope="module", params=[torch.float32, torch.float16], ids=str)
def operands(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(scope="module")
def autoencoder(operands: torch.dtype) -> Autoencoder:
    return ours(draw_diffusers_vae(8), operands)


@pytest.fixture(scope="module")
def bound(operands: torch.dtype) -> float:
    return EXACT if operands == torch.float32 else HALVED


def relative_error(made: torch.Tensor, wanted: torch.Tensor) -> float:
    assert made.shape == wanted.shape
    return float((made - wanted).abs().max() / wanted.abs().max())


@torch.no_grad()
def decode(autoencoder: Autoencoder, latents: torch.Tensor) -> list[torch.Tensor]:
    return list(decode_video(autoencoder, latents, WHOLE_FRAMES))


@pytest.mark.parametrize("share", SHARES)
def test_what_is_beside_a_strip_is_its_neighbours(operands: torch.dtype, share: str):
    latent_rows, strips = SHARES[share]
    # Two rows for each of a latent, none of them like another.
    whole = draw(3, 4, 2 * latent_rows, 5).to(operands).contiguous(memory_format=torch.channels_last)
    padded = F.pad(whole, (0, 0, 1, 1))
    for (begin, end), found in zip(strips, run_ranks(len(strips), ask_for_halos, whole, latent_rows), strict=True):
        assert torch.equal(found["own"], whole[:, :, 2 * begin : 2 * end])
        assert torch.equal(found["laid out"], padded[:, :, 2 * begin : 2 * end + 2])
        assert torch.equal(found["both"], padded[:, :, 2 * begin : 2 * end + 2])
        assert torch.equal(found["below"], padded[:, :, 2 * begin + 1 : 2 * end + 2])
        assert torch.equal(found["whole"], whole)
        assert torch.equal(found["pixels"], whole.permute(0, 2, 3, 1).flatten(1, 2))


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("size", [2, 3])
@torch.no_grad()
def test_every_process_has_what_one_process_makes(autoencoder: Autoencoder, bound: float, size: int, rows: int):
    video, latents = draw(2, 3, 13, 8 * rows, 24).clamp(-1, 1), draw(2, 16, 4, rows, 3)
    wanted = encode_video(autoencoder, video, WHOLE_FRAMES), decode(autoencoder, latents)
    for encoded, chunks in run_ranks(size, encode_and_decode, autoencoder, video, latents):
        assert relative_error(encoded, wanted[0]) <= bound
        assert [chunk.shape[2] for chunk in chunks] == [1, 4, 4, 4]
        assert max(starmap(relative_error, zip(chunks, wanted[1], strict=True))) <= bound


@torch.no_grad()
def test_without_its_neighbours_a_strip_would_be_another(autoencoder: Autoencoder, bound: float):
    video, latents = draw(1, 3, 5, 40, 24).clamp(-1, 1), draw(1, 16, 2, 5, 3)
    encoded = [encode_video(autoencoder, rows, WHOLE_FRAMES) for rows in (video, video[..., :16, :])]
    assert relative_error(encoded[1], encoded[0][..., :2, :]) > 20 * bound
    whole, alone = (torch.cat(decode(autoencoder, rows), dim=2) for rows in (latents, latents[..., :2, :]))
    assert relative_error(alone, whole[..., :16, :]) > 20 * bound


def test_two_videos_may_be_shared_in_turn(autoencoder: Autoencoder, bound: float):
    latents = draw(2, 1, 16, 3, 5, 3)
    wanted = [torch.cat(decode(autoencoder, rows), dim=2) for rows in (latents[0, ..., :3, :], latents[1])]
    for decoded in run_ranks(2, decode_in_turn, autoencoder, latents):
        assert max(starmap(relative_error, zip(decoded, wanted, strict=True))) <= bound
