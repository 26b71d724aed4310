"""What encoder and decoder are made of. Every block may write into the chunk it is given."""

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.autoencoder.activation import MINIMAL_LENGTH, activation_for
from s2v_runner.autoencoder.convolution import CausalConvolution, State


class Norm(nn.Module):
    """The parameter of a root-mean-square norm over channels, float32 because it is applied in float32."""

    def __init__(self, channels: int, axes: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.empty(channels, *[1] * axes))

    @property
    def scale_C(self) -> torch.Tensor:
        """What rows of length 1 are multiplied by."""
        return self.gamma.flatten() * self.gamma.shape[0] ** 0.5


class NormSilu(Norm):
    """Norm and SiLU in front of a convolution in space and time."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, axes=3)

    def forward(self, hidden_TCHW: torch.Tensor, out_TCHW: torch.Tensor) -> None:
        activation_for(hidden_TCHW.device.type)(hidden_TCHW, self.scale_C, out_TCHW)


class ResidualBlock(nn.Module):
    """Two convolutions, each behind a norm and SiLU.

    What they are added to is float32: it is the sum of all blocks so far, and no norm bounds it.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm1 = NormSilu(in_channels)
        self.conv1 = CausalConvolution(in_channels, out_channels, (3, 3, 3))
        self.norm2 = NormSilu(out_channels)
        self.conv2 = CausalConvolution(out_channels, out_channels, (3, 3, 3))
        self.conv_shortcut = nn.Identity() if in_channels == out_channels else Pointwise(in_channels, out_channels)

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        residual_TCHW = self.conv_shortcut(hidden_TCHW)
        # Each value takes the place of the one before, which is freed.
        branch = self.conv1.lay_out(hidden_TCHW, state, self.norm1)
        branch = self.conv1.convolve(branch, state)
        branch = self.conv2.lay_out(branch, state, self.norm2)
        branch = self.conv2.convolve(branch, state)
        return residual_TCHW.add_(branch)


class Pointwise(nn.Module):
    """A convolution of single pixels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 1, 1, 1))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def forward(self, hidden_TCHW: torch.Tensor) -> torch.Tensor:
        return F.conv2d(hidden_TCHW, self.weight[:, :, 0], self.bias)


class AttentionBlock(nn.Module):
    """One head of attention within each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = Norm(channels, axes=2)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        rows_THWC = hidden_TCHW.permute(0, 2, 3, 1)
        normed_TNC = F.normalize(rows_THWC.flatten(1, 2), dim=-1, eps=MINIMAL_LENGTH) * self.norm.scale_C
        qkv_TNC = F.linear(normed_TNC.to(self.to_qkv.weight.dtype), self.to_qkv.weight.flatten(1), self.to_qkv.bias)
        channels = hidden_TCHW.shape[1]
        query_TNC, keys_values_TNC = qkv_TNC.split((channels, 2 * channels), dim=-1)
        key, value = state.strip.whole(keys_values_TNC).unsqueeze(1).chunk(2, dim=-1)
        seen_TNC = F.scaled_dot_product_attention(query_TNC.unsqueeze(1), key, value).squeeze(1)
        added_TNC = F.linear(seen_TNC, self.proj.weight.flatten(1), self.proj.bias)
        return hidden_TCHW.add_(added_TNC.view(rows_THWC.shape).permute(0, 3, 1, 2))


class MidBlock(nn.Module):
    """Attention between two residual blocks, at the smallest resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(ResidualBlock(channels, channels) for _ in range(2))
        self.attentions = nn.ModuleList([AttentionBlock(channels)])

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        for layer in (self.resnets[0], self.attentions[0], self.resnets[1]):
            hidden_TCHW = layer(hidden_TCHW, state)
        return hidden_TCHW
