"""From one resolution to the next, in space and in time.

Nothing here is behind a norm, so nothing bounds what comes in: these layers compute in float32 (on a GPU in TF32, whose
products are as fine as those of float16), where float16 could overflow.
"""

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.autoencoder.convolution import CausalConvolution, State


class Downsample(nn.Module):
    """Half the rows and columns."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The padding is in `forward`; the convolution is the second of two layers by its parameters' names.
        self.resample = nn.Sequential(nn.Identity(), nn.Conv2d(channels, channels, 3, stride=2))

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        extended_TCHW = state.strip.extend(hidden_TCHW, above=0, below=1)
        return self.resample(F.pad(extended_TCHW, (0, 1, 0, 1 - state.strip.halo)))


class DownsampleTime(Downsample):
    """Half the frames as well: the first stays alone, each later pair becomes one that looks back by one frame."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.time_conv = CausalConvolution(channels, channels, (3, 1, 1), time_stride=2)

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        smaller_TCHW = super().forward(hidden_TCHW, state)
        if self.time_conv in state.past:
            return self.time_conv(smaller_TCHW, state)
        # Copied, because the next block may write into what it is given.
        state.past[self.time_conv] = smaller_TCHW[-1:].clone()
        return smaller_TCHW


class Upsample(nn.Module):
    """Twice the rows and columns, half the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The doubling is in the convolution, which is the second of two layers by its parameters' names.
        self.resample = nn.Sequential(nn.Identity(), DoublingConvolution(channels, channels // 2))

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        _, doubling = self.resample
        return doubling(hidden_TCHW, state)


class UpsampleTime(Upsample):
    """Twice the frames as well, but for the first, which stays one and which no later frame looks back at."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.time_conv = CausalConvolution(channels, 2 * channels, (3, 1, 1))

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        if self.time_conv in state.past:
            hidden_TCHW = _alternate(self.time_conv(hidden_TCHW, state))
        else:
            nothing_TCHW = torch.zeros_like(hidden_TCHW[:1])
            state.past[self.time_conv] = nothing_TCHW.expand(self.time_conv.past_frames, -1, -1, -1)
        return super().forward(hidden_TCHW, state)


class DoublingConvolution(nn.Module):
    """A 3 × 3 convolution of a chunk whose rows and columns are doubled by repetition, which is never laid out.

    A pixel's three neighbours in a row are two pixels before the doubling: where it is the left one of its pair, the
    pixel to the left and its own, twice; where it is the right one, its own, twice, and the pixel to the right. That is
    a 2 × 2 convolution of the chunk as it was, with weights added up, for each of the four places in a pair of pairs.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.empty(out_channels))

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        frames, _, rows, columns = hidden_TCHW.shape
        extended_TCHW, padding = state.strip.extend(hidden_TCHW, above=1, below=1), (1 - state.strip.halo, 1)
        out_TCHW = hidden_TCHW.new_empty((frames, 2 * rows, 2 * columns, len(self.weight))).permute(0, 3, 1, 2)
        for row, of_rows in enumerate(_fold(self.weight, axis=2)):
            for column, weight in enumerate(_fold(of_rows, axis=3)):
                weight = weight.contiguous(memory_format=torch.channels_last)
                place_TCHW = F.conv2d(extended_TCHW, weight, self.bias, padding=padding)
                out_TCHW[:, :, row::2, column::2] = place_TCHW[:, :, row : row + rows, column : column + columns]
        return out_TCHW


def _fold(weight: torch.Tensor, axis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three weights along an axis as two, for the first and for the second of a pair."""
    before, middle, after = weight.split(1, axis)
    return torch.cat((before, middle + after), axis), torch.cat((before + middle, after), axis)


def _alternate(pairs_TCHW: torch.Tensor) -> torch.Tensor:
    """Each frame's two halves of channels as two frames, one after the other."""
    rows_TXHWC = pairs_TCHW.permute(0, 2, 3, 1).unflatten(-1, (2, -1)).permute(0, 3, 1, 2, 4)
    return rows_TXHWC.flatten(0, 1).permute(0, 3, 1, 2)
