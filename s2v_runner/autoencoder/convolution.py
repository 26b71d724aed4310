"""Convolution in space and time that looks back only, its past handed along."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.autoencoder.strips import WHOLE_FRAME, Strip, Write


@dataclass(frozen=True)
class State:
    """What the chunks of one video have in common, handed through every layer."""

    strip: Strip
    past: dict[nn.Module, torch.Tensor] = field(init=False, default_factory=dict)
    """The frames before the chunk that each convolution in time will look back at; none before the first chunk.

    A chunk takes each entry out and puts its own last frames in, because two states of a large video would not fit
    beside each other.
    """


def copy(hidden_TCHW: torch.Tensor, target_TCHW: torch.Tensor) -> None:
    """Write a chunk as it is."""
    target_TCHW.copy_(hidden_TCHW)


class CausalConvolution(nn.Module):
    """A convolution over time, rows and columns that sees zeros before the first frame; sizes in space are kept.

    It computes in the dtype of its weight. With a stride in time it gives one frame for each so many.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: tuple[int, int, int], time_stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, *kernel))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.taps, self.padding = kernel[0], kernel[1] // 2
        self.time_stride = time_stride
        self.past_frames = self.taps - time_stride

    def forward(self, hidden_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        return self.convolve(self.lay_out(hidden_TCHW, state, copy), state)

    def lay_out(self, hidden_TCHW: torch.Tensor, state: State, write: Write) -> torch.Tensor:
        """The chunk with past and halos around it, in the weight's dtype: one buffer, which `write` fills once."""
        strip = self._strip(state)
        frames, channels, rows, columns = hidden_TCHW.shape
        laid_out = torch.empty(
            (self.past_frames + frames, channels, rows + 2 * strip.halo, columns),
            dtype=self.weight.dtype,
            device=hidden_TCHW.device,
            memory_format=torch.channels_last,
        )
        past = state.past.pop(self, None)
        if past is None:
            laid_out[: self.past_frames].zero_()
        else:
            laid_out[: self.past_frames] = past
        strip.lay(hidden_TCHW, laid_out[self.past_frames :], write)
        return laid_out

    def convolve(self, laid_out_TCHW: torch.Tensor, state: State) -> torch.Tensor:
        """Convolve what `lay_out` gave, and leave its last frames in the state."""
        padding = (self.padding - self._strip(state).halo, self.padding)
        count = (laid_out_TCHW.shape[0] - self.taps) // self.time_stride + 1
        reach = (count - 1) * self.time_stride + 1
        frames_of_tap = (laid_out_TCHW[tap : tap + reach : self.time_stride] for tap in range(self.taps))
        out_TCHW = F.conv2d(next(frames_of_tap), self.weight[:, :, 0], self.bias, padding=padding)
        for tap, frames_TCHW in enumerate(frames_of_tap, start=1):
            out_TCHW += F.conv2d(frames_TCHW, self.weight[:, :, tap], padding=padding)
        if self.past_frames:
            # Copied, so that the rest of the buffer goes.
            state.past[self] = laid_out_TCHW[-self.past_frames :].clone()
        return out_TCHW

    def _strip(self, state: State) -> Strip:
        """Where it looks at single pixels of a frame, any strip is a whole frame to it."""
        return state.strip if self.padding else WHOLE_FRAME


def arrange_weights(module: nn.Module) -> None:
    """Put the weights of all convolutions within into the memory order that they are read in; values stay.

    Channels come innermost and time outermost, so that each tap in time is a channels-last kernel without a copy of it.
    """
    for parameter in module.parameters():
        if parameter.ndim == 5:
            parameter.data = parameter.data.permute(2, 0, 3, 4, 1).contiguous().permute(1, 4, 0, 2, 3)
        elif parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
