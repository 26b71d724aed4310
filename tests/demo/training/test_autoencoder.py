import copy
import json
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from demo.training.autoencoder import (
    AutoencoderSettings,
    Batch,
    bring_to_scale,
    build_autoencoder,
    decode_whole,
    encode_moments,
    train_autoencoder,
)
from demo.training.pace import Span
from s2v_runner.autoencoder import WHOLE_FRAMES, decode_video, encode_video
from tests.demo.training.weights import for_pipeline

SETTINGS = AutoencoderSettings(peak_rate=3e-3, warm_up_steps=4, divergence_weight=1e-4, edge_weight=1.0)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("frames", [1, 5, 13, 17])
@torch.no_grad()
def test_whole_videos_are_encoded_as_in_chunks(random_vae: AutoencoderKLWan, frames: int):
    video = draw(2, 3, frames, 24, 16).clamp(-1, 1)
    mean, log_variance = encode_moments(random_vae, video)
    (chunked,) = random_vae.encode(video, return_dict=False)
    assert mean.shape == (2, 16, 1 + frames // 4, 3, 2)
    assert (mean - chunked.mode()).abs().max() < 1e-5
    assert (log_variance - chunked.logvar).abs().max() < 1e-5


@pytest.mark.parametrize("frames", [5, 13, 17])
@torch.no_grad()
def test_whole_videos_are_decoded_as_in_chunks(random_vae: AutoencoderKLWan, frames: int):
    latents = draw(2, 16, 1 + frames // 4, 3, 2)
    video = decode_whole(random_vae, latents)
    (chunked,) = random_vae.decode(latents, return_dict=False)
    assert video.shape == (2, 3, frames, 24, 16)
    inside = video.abs() < 1
    assert 0.1 < inside.float().mean() < 1
    assert (video.clamp(-1, 1) - chunked).abs().max() < 1e-5


@torch.no_grad()
def test_it_is_built_from_its_seed_and_begins_with_a_signal_above_its_noise():
    first, again, other = (build_autoencoder(8, seed) for seed in (1, 1, 2))
    assert torch.equal(first.encoder.conv_in.weight, again.encoder.conv_in.weight)
    assert not torch.equal(first.encoder.conv_in.weight, other.encoder.conv_in.weight)
    mean, log_variance = encode_moments(first, draw(1, 3, 5, 4, 4).repeat_interleave(8, 3).repeat_interleave(8, 4))
    assert 0.1 < mean.std() < 3
    assert (0.5 * log_variance).exp().mean() < 0.2 * mean.std()


@torch.no_grad()
def test_at_scale_the_pipeline_sees_unit_latents_that_decode_as_before(random_vae: AutoencoderKLWan):
    vae = copy.deepcopy(random_vae)
    video = draw(2, 3, 9, 32, 32).clamp(-1, 1)
    mean, log_variance = encode_moments(vae, video)
    decoded = decode_whole(vae, mean).clamp(-1, 1)
    bring_to_scale(vae, mean)

    latents = encode_video(for_pipeline(vae), video, WHOLE_FRAMES)
    deviation, middle = torch.std_mean(latents.transpose(0, 1).flatten(1), dim=1)
    assert middle.abs().max() < 1e-4
    assert (deviation - 1).abs().max() < 1e-4
    again = torch.cat(list(decode_video(for_pipeline(vae), latents, WHOLE_FRAMES)), dim=2)
    assert (again - decoded).abs().max() < 1e-4
    # The noise on them is as large beside them as it was.
    scaled_mean, scaled_log_variance = encode_moments(vae, video)
    shown, shown_before = (
        (0.5 * noise).exp().mean(dim=(0, 2, 3, 4)) / values.transpose(0, 1).flatten(1).std(dim=1)
        for values, noise in ((scaled_mean, scaled_log_variance), (mean, log_variance))
    )
    assert torch.allclose(shown, shown_before, rtol=1e-4)


def reproduction_error(vae: AutoencoderKLWan, batch: Batch) -> float:
    with torch.no_grad():
        made = decode_whole(vae, encode_moments(vae, batch.video_BCVHW)[0])
    return float((made - batch.video_BCVHW).abs().mean())


def test_it_learns_what_it_is_shown(tmp_path: Path):
    torch.manual_seed(0)
    colours = torch.tensor([-0.8, 0.1, 0.7]).view(1, 3, 1, 1, 1)
    video = colours.expand(2, 3, 5, 16, 16).contiguous()
    batch = Batch(video, torch.ones_like(video[:, :1]))
    vae = build_autoencoder(8, seed=3)
    before = reproduction_error(vae, batch)
    steps = []
    train_autoencoder(
        vae, lambda beat: steps.append(beat.step) or batch, SETTINGS, Span(1000.0, 40), tmp_path / "log.jsonl"
    )
    assert steps == list(range(40))
    assert reproduction_error(vae, batch) < 0.6 * before
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert {"pixels", "edges", "divergence", "gradient"} < json.loads(line).keys()


def test_pixels_count_by_their_weight(tmp_path: Path):
    """What counts nothing is not learned: the left half of the frame."""
    torch.manual_seed(0)
    video = torch.full((2, 3, 5, 16, 16), 0.9)
    weight = torch.ones_like(video[:, :1])
    weight[..., :8] = 0.0
    video[..., :8] = -0.9
    batch = Batch(video, weight)
    vae = build_autoencoder(8, seed=3)
    train_autoencoder(vae, lambda _: batch, SETTINGS, Span(1000.0, 40), tmp_path / "log.jsonl")
    with torch.no_grad():
        made = decode_whole(vae, encode_moments(vae, video)[0])
    error = (made - video).abs()
    assert error[..., 8:].mean() < 0.5 * error[..., :8].mean()


@torch.no_grad()
def test_before_it_learns_it_passes_on_mean_colours():
    vae = build_autoencoder(8, seed=0)
    generator = torch.Generator().manual_seed(4)
    blocks = torch.rand(1, 3, 4, 4, 4, generator=generator) * 2 - 1
    video = blocks.repeat_interleave(8, 3).repeat_interleave(8, 4)
    video = torch.cat((video[:, :, :1], video[:, :, 1:].repeat_interleave(4, 2)), dim=2)
    mean, log_variance = encode_moments(vae, video)
    made = decode_whole(vae, mean)
    # The norm divides a little more where colours are strong.
    assert torch.corrcoef(torch.stack((made.flatten(), video.flatten())))[0, 1] > 0.97
    assert (made - video).abs().mean() < 0.15 * video.abs().mean()
    assert (log_variance == -6).all()
