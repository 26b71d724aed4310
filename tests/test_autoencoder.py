import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.autoencoders.vae import DecoderOutput

from s2v_runner.autoencoder import QuickConvolutions, decode_video, encode_video
from s2v_runner.engine import Engine


def decode_at_once(vae: AutoencoderKLWan, latents: torch.Tensor) -> torch.Tensor:
    output = vae.decode(latents)
    assert isinstance(output, DecoderOutput)
    return output.sample


@torch.no_grad()
def test_decoding_in_chunks_equals_decoding_the_whole(tiny_engine: Engine):
    vae = tiny_engine.vae
    latents = torch.randn(1, 16, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    chunks = list(decode_video(vae, latents))
    assert [chunk.shape[2] for chunk in chunks] == [1, 4, 4, 4, 4]

    deviation, mean = (torch.tensor(vae.config[key]).view(1, -1, 1, 1, 1) for key in ("latents_std", "latents_mean"))
    with QuickConvolutions():
        whole = decode_at_once(vae, latents / (1.0 / deviation) + mean)
    assert torch.equal(torch.cat(chunks, dim=2), whole)


@torch.no_grad()
def test_quick_convolutions_give_what_pytorch_s_own_give(tiny_engine: Engine):
    vae = tiny_engine.vae
    latents = torch.randn(1, 16, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    own = decode_at_once(vae, latents)
    with QuickConvolutions(), torch.profiler.profile() as profile:
        quick = decode_at_once(vae, latents)
    assert (quick - own).abs().max() <= 1e-5
    used = {event.key for event in profile.key_averages()}
    assert "aten::mkldnn_convolution" in used
    assert "aten::slow_conv3d_forward" not in used


def test_convolutions_that_are_learned_are_left_to_pytorch():
    convolution = torch.nn.Conv3d(2, 2, 1)
    with QuickConvolutions():
        convolution(torch.ones(1, 2, 1, 4, 4)).sum().backward()
    assert convolution.weight.grad is not None


@torch.no_grad()
def test_two_decodings_side_by_side_do_not_disturb_each_other(tiny_engine: Engine):
    first, second = torch.randn(2, 1, 16, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    alone = torch.cat(list(decode_video(tiny_engine.vae, first)), dim=2)
    interleaved = [
        one for one, _ in zip(decode_video(tiny_engine.vae, first), decode_video(tiny_engine.vae, second), strict=True)
    ]
    assert torch.equal(torch.cat(interleaved, dim=2), alone)


@torch.no_grad()
def test_encoding_takes_the_mean(tiny_engine: Engine):
    video = torch.rand(1, 3, 5, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    assert torch.equal(encode_video(tiny_engine.vae, video), encode_video(tiny_engine.vae, video))
