"""Encoder and decoder, one chunk at a time."""

from itertools import pairwise

import torch
from torch import nn

from s2v_runner.autoencoder.blocks import MidBlock, NormSilu, Pointwise, ResidualBlock
from s2v_runner.autoencoder.config import AutoencoderConfig
from s2v_runner.autoencoder.convolution import CausalConvolution, State, arrange_weights
from s2v_runner.autoencoder.resampling import Downsample, DownsampleTime, Upsample, UpsampleTime

_COLOURS = 3
_BEHIND_NORMS = {"conv1", "conv2", "conv_out", "to_qkv", "proj"}
"""Layers whose input has been through a norm: it is no larger than the norm lets it be, so float16 can hold it."""


class Autoencoder(nn.Module):
    """Video ↔ latents that are not scaled yet. Both ways end in float32."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.quant_conv = Pointwise(2 * config.latent_channels, 2 * config.latent_channels)
        self.post_quant_conv = Pointwise(config.latent_channels, config.latent_channels)
        self.decoder = Decoder(config)

    @property
    def device(self) -> torch.device:
        return self.quant_conv.weight.device

    @property
    def rows_a_latent(self) -> int:
        """Rows of a frame for each of a latent."""
        return 2 ** len(self.config.halves_time)

    def encode(self, frames_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        """The first frame of a video, or the next four → the mean of a latent's distribution [1, C, H, W].

        Of both, the rows of the state's strip.
        """
        mean_and_deviation = self.quant_conv(self.encoder(frames_TCHW, state).float())
        return mean_and_deviation[:, : self.config.latent_channels]

    def decode(self, latent_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        """A latent [1, C, H, W] → one frame where the state has no past, else four; not clamped.

        Of both, the rows of the state's strip.
        """
        return self.decoder(self.post_quant_conv(latent_TCHW), state).float()

    def arrange(self) -> None:
        """Bring loaded weights into the order in memory that they are read in."""
        arrange_weights(self)


class Encoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = [config.base_dim * multiplier for multiplier in config.multipliers]
        self.conv_in = CausalConvolution(_COLOURS, config.base_dim, (3, 3, 3))
        self.down_blocks = nn.ModuleList()
        width = config.base_dim
        for wider, halves_time in zip(widths, (*config.halves_time, None), strict=True):
            for _ in range(config.num_residual_blocks):
                self.down_blocks.append(ResidualBlock(width, wider))
                width = wider
            if halves_time is not None:
                self.down_blocks.append(DownsampleTime(width) if halves_time else Downsample(width))
        self.mid_block = MidBlock(width)
        self.norm_out = NormSilu(width)
        self.conv_out = CausalConvolution(width, 2 * config.latent_channels, (3, 3, 3))

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        hidden_TCHW = self.conv_in(hidden_TCHW, state)
        for block in self.down_blocks:
            hidden_TCHW = block(hidden_TCHW, state)
        hidden_TCHW = self.mid_block(hidden_TCHW, state)
        return self.conv_out.convolve(self.conv_out.lay_out(hidden_TCHW, state, self.norm_out), state)


class Decoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = [config.base_dim * multiplier for multiplier in reversed(config.multipliers)]
        width = widths[0]
        self.conv_in = CausalConvolution(config.latent_channels, width, (3, 3, 3))
        self.mid_block = MidBlock(width)
        self.up_blocks = nn.ModuleList()
        for narrower, doubles_time in zip(widths, (*reversed(config.halves_time), None), strict=True):
            self.up_blocks.append(UpBlock(width, narrower, config.num_residual_blocks + 1, doubles_time))
            width = narrower // 2
        self.norm_out = NormSilu(config.base_dim)
        self.conv_out = CausalConvolution(config.base_dim, _COLOURS, (3, 3, 3))

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        hidden_TCHW = self.mid_block(self.conv_in(hidden_TCHW, state), state)
        for block in self.up_blocks:
            hidden_TCHW = block(hidden_TCHW, state)
        hidden_TCHW = self.conv_out.lay_out(hidden_TCHW, state, self.norm_out)
        return self.conv_out.convolve(hidden_TCHW, state)


class UpBlock(nn.Module):
    """Residual blocks at one resolution of the decoder, and the way to the next, if there is one."""

    def __init__(self, in_channels: int, channels: int, num_blocks: int, doubles_time: bool | None) -> None:
        super().__init__()
        widths = [in_channels, *[channels] * num_blocks]
        self.resnets = nn.ModuleList(ResidualBlock(*pair) for pair in pairwise(widths))
        if doubles_time is not None:
            self.upsamplers = nn.ModuleList([UpsampleTime(channels) if doubles_time else Upsample(channels)])

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        for layers in self.children():
            for layer in layers.children():
                hidden_TCHW = layer(hidden_TCHW, state)
        return hidden_TCHW


def float32_parameters(autoencoder: Autoencoder) -> tuple[str, ...]:
    """Names of the parameters that stay float32 whatever is multiplied in: norms, and what has no norm before it."""
    return tuple(name for name, _ in autoencoder.named_parameters() if name.split(".")[-2] not in _BEHIND_NORMS)
