"""Against Diffusers' autoencoder, of which the tests draw one at random in which every weight does something."""

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.autoencoders.vae import DecoderOutput

from s2v_runner.autoencoder import WHOLE_FRAMES, Autoencoder, decode_video, encode_video
from tests.autoencoder.weights import draw, draw_diffusers_vae, ours


@pytest.fixture(scope="module", params=[8, 12], ids=lambda base: f"base {base}")
def theirs(request: pytest.FixtureRequest) -> AutoencoderKLWan:
    return draw_diffusers_vae(request.param)


@pytest.fixture(scope="module")
def autoencoder(theirs: AutoencoderKLWan) -> Autoencoder:
    return ours(theirs)


def scale_of(vae: AutoencoderKLWan) -> tuple[torch.Tensor, torch.Tensor]:
    mean, deviation = (torch.tensor(vae.config[key]).view(1, -1, 1, 1, 1) for key in ("latents_mean", "latents_std"))
    return mean, deviation


@torch.no_grad()
def encode_theirs(vae: AutoencoderKLWan, video: torch.Tensor) -> torch.Tensor:
    mean, deviation = scale_of(vae)
    (posterior,) = vae.encode(video, return_dict=False)
    return (posterior.mode() - mean) / deviation


@torch.no_grad()
def decode_theirs(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    mean, deviation = scale_of(vae)
    output = vae.decode(latents * deviation + mean)
    assert isinstance(output, DecoderOutput)
    return output.sample


def relative_error(made: torch.Tensor, wanted: torch.Tensor) -> float:
    assert made.shape == wanted.shape
    return float((made - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("frames", [1, 5, 13])
@torch.no_grad()
def test_videos_are_encoded_as_diffusers_does(theirs: AutoencoderKLWan, autoencoder: Autoencoder, frames: int):
    video = draw(1, 3, frames, 40, 24).clamp(-1, 1)
    latents = encode_video(autoencoder, video, WHOLE_FRAMES)
    assert latents.dtype == torch.float32
    assert relative_error(latents, encode_theirs(theirs, video)) < 1e-5


@pytest.mark.parametrize("latent_frames", [1, 2, 4])
@torch.no_grad()
def test_latents_are_decoded_as_diffusers_does(theirs: AutoencoderKLWan, autoencoder: Autoencoder, latent_frames: int):
    latents = draw(1, 16, latent_frames, 5, 3)
    chunks = list(decode_video(autoencoder, latents, WHOLE_FRAMES))
    assert [chunk.shape[2] for chunk in chunks] == [1, 4, 4, 4][:latent_frames]
    video = torch.cat(chunks, dim=2)
    assert video.abs().max() <= 1
    # Not a matter of the bounds alone.
    assert (video.abs() < 1).float().mean() > 0.5
    assert relative_error(video, decode_theirs(theirs, latents)) < 1e-5


@torch.no_grad()
def test_two_decodings_side_by_side_do_not_disturb_each_other(autoencoder: Autoencoder):
    first, second = draw(2, 1, 16, 3, 8, 8)
    alone = torch.cat(list(decode_video(autoencoder, first, WHOLE_FRAMES)), dim=2)
    pairs = zip(
        decode_video(autoencoder, first, WHOLE_FRAMES), decode_video(autoencoder, second, WHOLE_FRAMES), strict=True
    )
    assert torch.equal(torch.cat([one for one, _ in pairs], dim=2), alone)


@torch.no_grad()
def test_a_decoding_that_is_given_up_leaves_nothing_behind(autoencoder: Autoencoder):
    latents = draw(1, 16, 3, 8, 8)
    whole = torch.cat(list(decode_video(autoencoder, latents, WHOLE_FRAMES)), dim=2)
    next(decode_video(autoencoder, draw(1, 16, 3, 8, 8, seed=1), WHOLE_FRAMES))
    assert torch.equal(torch.cat(list(decode_video(autoencoder, latents, WHOLE_FRAMES)), dim=2), whole)


@torch.no_grad()
def test_videos_of_a_batch_are_worked_through_alike(autoencoder: Autoencoder):
    videos = draw(2, 3, 5, 16, 24).clamp(-1, 1)
    latents = encode_video(autoencoder, videos, WHOLE_FRAMES)
    assert torch.equal(latents, torch.cat([encode_video(autoencoder, video[None], WHOLE_FRAMES) for video in videos]))
    decoded = torch.cat(list(decode_video(autoencoder, latents, WHOLE_FRAMES)), dim=2)
    alone = [torch.cat(list(decode_video(autoencoder, one[None], WHOLE_FRAMES)), dim=2) for one in latents]
    assert torch.equal(decoded, torch.cat(alone))


@torch.no_grad()
def test_where_the_frames_lie_in_memory_does_not_matter(autoencoder: Autoencoder):
    video = draw(1, 3, 5, 16, 24).clamp(-1, 1)
    latents = encode_video(autoencoder, video, WHOLE_FRAMES)
    assert torch.equal(
        encode_video(autoencoder, video.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3), WHOLE_FRAMES),
        latents,
    )
    kept = video.clone()
    encode_video(autoencoder, video, WHOLE_FRAMES)
    assert torch.equal(video, kept)


@torch.no_grad()
def test_latents_that_are_decoded_stay_what_they_are(autoencoder: Autoencoder):
    latents = draw(1, 16, 2, 4, 4)
    kept = latents.clone()
    list(decode_video(autoencoder, latents, WHOLE_FRAMES))
    assert torch.equal(latents, kept)


def largest_tensor(autoencoder: Autoencoder, video: torch.Tensor) -> int:
    """Numbers of the largest tensor that a layer gives while a video is encoded."""
    sizes = []
    layers = [module for module in autoencoder.modules() if not list(module.children())]
    hooks = [
        layer.register_forward_hook(lambda _module, _given, out: sizes.append(out.numel() if out is not None else 0))
        for layer in layers
    ]
    with torch.no_grad():
        encode_video(autoencoder, video, WHOLE_FRAMES)
    for hook in hooks:
        hook.remove()
    return max(sizes)


def test_what_is_in_memory_does_not_depend_on_the_length(autoencoder: Autoencoder):
    short, long = (largest_tensor(autoencoder, draw(1, 3, frames, 16, 16)) for frames in (5, 29))
    assert long == short


@pytest.mark.parametrize("frames", [2, 4, 6])
def test_frames_that_make_no_latent_are_a_mistake_of_ours(autoencoder: Autoencoder, frames: int):
    with pytest.raises(AssertionError):
        encode_video(autoencoder, draw(1, 3, frames, 16, 16), WHOLE_FRAMES)
