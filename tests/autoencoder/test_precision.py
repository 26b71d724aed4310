"""What is multiplied in 16 bits, and what may not be."""

import pytest
import torch
from torch import nn

from s2v_runner.autoencoder import WHOLE_FRAMES, Autoencoder, decode_video, encode_video, float32_parameters
from s2v_runner.autoencoder.blocks import ResidualBlock
from s2v_runner.autoencoder.convolution import State, arrange_weights
from s2v_runner.autoencoder.resampling import Downsample, DownsampleTime, Upsample, UpsampleTime
from s2v_runner.autoencoder.strips import WHOLE_FRAME
from tests.autoencoder.weights import draw, draw_diffusers_vae, ours


@pytest.fixture(scope="module")
def pair() -> tuple[Autoencoder, Autoencoder]:
    """The same weights for float32 and for float16."""
    theirs = draw_diffusers_vae(8)
    return ours(theirs), ours(theirs, torch.float16)


def test_only_layers_behind_a_norm_have_weights_in_16_bits(pair: tuple[Autoencoder, Autoencoder]):
    _, halved = pair
    kept = set(float32_parameters(halved))
    for name, parameter in halved.named_parameters():
        assert parameter.dtype == (torch.float32 if name in kept else torch.float16), name
    roles = {name.rsplit(".", 2)[-2] for name in kept}
    assert {"norm1", "norm2", "norm", "norm_out", "conv_in", "time_conv", "conv_shortcut", "quant_conv"} <= roles
    assert not roles & {"conv1", "conv2", "conv_out", "to_qkv", "proj"}


def test_no_weight_is_there_twice(pair: tuple[Autoencoder, Autoencoder]):
    for autoencoder in pair:
        assert not list(autoencoder.buffers())
        for module in autoencoder.modules():
            held = [value for value in vars(module).values() if isinstance(value, torch.Tensor)]
            assert not held
        for parameter in autoencoder.parameters():
            assert parameter.untyped_storage().nbytes() == parameter.numel() * parameter.element_size()


@torch.no_grad()
def test_both_ways_agree_to_the_precision_of_16_bits(pair: tuple[Autoencoder, Autoencoder]):
    exact, halved = pair
    video = draw(1, 3, 5, 16, 24).clamp(-1, 1)
    wanted, latents = (encode_video(autoencoder, video, WHOLE_FRAMES) for autoencoder in (exact, halved))
    assert latents.dtype == torch.float32
    assert 0 < (latents - wanted).abs().max() <= 1e-2 * wanted.abs().max()
    wanted, decoded = (
        torch.cat(list(decode_video(autoencoder, latents, WHOLE_FRAMES)), dim=2) for autoencoder in (exact, halved)
    )
    assert decoded.dtype == torch.float32
    assert 0 < (decoded - wanted).abs().max() <= 1e-2


UNBOUNDED = [
    (8, ResidualBlock(8, 16)),
    (8, Downsample(8)),
    (8, DownsampleTime(8)),
    (8, Upsample(8)),
    (8, UpsampleTime(8)),
]


@pytest.mark.parametrize(("channels", "block"), UNBOUNDED, ids=lambda value: type(value).__name__)
@torch.no_grad()
def test_what_has_no_norm_before_it_may_be_larger_than_float16_can_hold(channels: int, block: nn.Module):
    for name, parameter in block.named_parameters():
        parameter.copy_(draw(*parameter.shape))
        if name.startswith(("conv1", "conv2")):
            parameter.data = parameter.half()
    arrange_weights(block)
    state = State(WHOLE_FRAME)
    for frames in (1, 4):
        hidden = 100 * torch.finfo(torch.float16).max * draw(frames, channels, 4, 4)
        out = block(hidden.contiguous(memory_format=torch.channels_last), state)
        assert out.dtype == torch.float32
        assert torch.isfinite(out).all()
        assert out.abs().max() > torch.finfo(torch.float16).max
