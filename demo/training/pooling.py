"""What an autoencoder begins with: a plain codec that keeps the mean colour of 8 × 8 pixels and four frames.

A deep autoencoder with random weights takes long to find out that colour can pass through it. Here it can from the
start: a few channels carry the three colours, once as they are and once negated, from end to end. The residual
branches begin at zero (Zhang et al., 2019), and what they learn is what the mean leaves out. Before the last
convolutions stand a norm and a SiLU; a constant channel keeps the norm from levelling brightness, and since
silu(a) − silu(−a) = a, the two copies together pass the SiLU unchanged.
"""

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    AutoencoderKLWan,
    WanAttentionBlock,
    WanResample,
    WanResidualBlock,
)
from torch import nn

_COLOURS = 3
_CONSTANT = 2 * _COLOURS
"""The channel after the colours and their negatives."""
_CARRIED = _CONSTANT + 1
_LEVEL = 4.0
"""Of the constant: large beside the other channels, so that the norm divides by much the same everywhere."""
_OTHERS = 0.3
"""Size of what the other channels begin with."""


@torch.no_grad()
def begin_as_pooling(vae: AutoencoderKLWan, generator: torch.Generator) -> None:
    """Set all weights of `vae`; the others than the carried channels are random."""
    for module in vae.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            module.weight.normal_(std=_OTHERS * module.weight[0].numel() ** -0.5, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
    for module in vae.modules():
        if isinstance(module, WanResidualBlock):
            module.conv2.weight.zero_()
            if isinstance(module.conv_shortcut, nn.Conv3d):
                _carry(module.conv_shortcut, _spot(0, 0, 0))
        elif isinstance(module, WanAttentionBlock):
            module.proj.weight.zero_()
        elif isinstance(module, WanResample):
            _carry_through(module)
    _begin_encoder(vae)
    _begin_decoder(vae)


def _begin_encoder(vae: AutoencoderKLWan) -> None:
    encoder, into = vae.encoder, vae.quant_conv
    _split_colours(encoder.conv_in, _spot(-1, 1, 1))
    _join_colours(encoder.conv_out, encoder.norm_out.scale, _spot(-1, 1, 1))
    # The first half are means, the second logarithms of variances.
    half = into.weight.shape[0] // 2
    nn.init.dirac_(into.weight[:half])
    into.weight[half:].zero_()


def _begin_decoder(vae: AutoencoderKLWan) -> None:
    decoder = vae.decoder
    nn.init.dirac_(vae.post_quant_conv.weight)
    _split_colours(decoder.conv_in, _spot(-1, 1, 1))
    _join_colours(decoder.conv_out, decoder.norm_out.scale, _spot(-1, 1, 1))


_Spot = tuple[int | slice, ...]


def _spot(*taps: int) -> _Spot:
    return taps


def _carry(convolution: nn.Conv2d | nn.Conv3d, spot: _Spot) -> None:
    """The carried channels go through alone, by one tap."""
    weight = convolution.weight
    for channel in range(_CARRIED):
        weight[channel] = 0.0
        weight[(channel, channel, *spot)] = 1.0


def _carry_through(resample: WanResample) -> None:
    _, convolution = resample.resample.children()
    assert isinstance(convolution, nn.Conv2d)
    weight = convolution.weight
    shrinks = resample.mode.startswith("downsample")
    for channel in range(_CARRIED):
        weight[channel] = 0.0
        if shrinks:
            # Of the pixel and those right of it and below.
            weight[channel, channel, :2, :2] = 0.25
        else:
            weight[channel, channel, 1, 1] = 1.0
    if not resample.mode.endswith("3d"):
        return
    weight = resample.time_conv.weight
    halves = 1 if shrinks else 2
    rows = weight.shape[0] // halves
    for half in range(halves):
        for channel in range(_CARRIED):
            row = weight[half * rows + channel]
            row.zero_()
            if shrinks:
                # Of the two frames that become one; the tap before them looks back.
                row[channel, 1:, 0, 0] = 0.5
            else:
                row[channel, 2, 0, 0] = 1.0


def _split_colours(convolution: nn.Conv3d, spot: _Spot) -> None:
    weight, bias = convolution.weight, convolution.bias
    assert bias is not None
    weight[:_CARRIED] = 0.0
    for colour in range(_COLOURS):
        weight[(colour, colour, *spot)] = 1.0
        weight[(_COLOURS + colour, colour, *spot)] = -1.0
    bias[_CONSTANT] = _LEVEL


def _join_colours(convolution: nn.Conv3d, norm_scale: float, spot: _Spot) -> None:
    weight = convolution.weight
    weight[:_COLOURS] = 0.0
    for colour in range(_COLOURS):
        weight[(colour, colour, *spot)] = _LEVEL / norm_scale
        weight[(colour, _COLOURS + colour, *spot)] = -_LEVEL / norm_scale
