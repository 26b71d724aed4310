"""Blocks that live in main memory and visit the device one after the other.

Each block's parameters lie in one buffer, so that one copy brings it. The device holds two buffers of that size, and
for each the blocks whose parameters are windows onto it: while one block computes, the next is on its way.
"""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import nn

from s2v_runner.transformer.backend import Backend
from s2v_runner.transformer.blocks import TransformerBlock
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.linear import FLOAT8

_SLOTS = 2
# What the 8-bit matrix products want their operands to begin at, and more than any other kernel wants.
_ALIGNMENT = 256
_PREFIX = "blocks."


@dataclass(frozen=True)
class Window:
    """Where a parameter lies in its block's buffer."""

    begin: int
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def end(self) -> int:
        return self.begin + self.dtype.itemsize * torch.Size(self.shape).numel()

    def onto(self, buffer: torch.Tensor) -> torch.Tensor:
        return buffer[self.begin : self.end].view(self.dtype).view(self.shape)


Layout = dict[str, Window]
"""The windows of a block's parameters by their names in the block."""


class Transfer(Protocol):
    """Copies to a device that go on beside its work."""

    def copy(self, target: torch.Tensor, source: torch.Tensor) -> None:
        """Begin to copy, once all that the device was told to do until now is done."""
        ...

    def wait(self, target: torch.Tensor) -> None:
        """Let the device do what it is told from now on only when the copy to `target` is there."""
        ...


class ImmediateTransfer:
    """For devices without streams: a copy is there when it was begun."""

    def copy(self, target: torch.Tensor, source: torch.Tensor) -> None:
        target.copy_(source)

    def wait(self, target: torch.Tensor) -> None:
        return None


class StreamTransfer:
    """A stream of its own for copies to a GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._arrivals: dict[int, torch.cuda.Event] = {}

    def copy(self, target: torch.Tensor, source: torch.Tensor) -> None:
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            target.copy_(source, non_blocking=True)
            arrival = torch.cuda.Event()
            arrival.record(self._stream)
            self._arrivals[target.data_ptr()] = arrival

    def wait(self, target: torch.Tensor) -> None:
        torch.cuda.current_stream(self._device).wait_event(self._arrivals[target.data_ptr()])


class HostBlocks:
    """The blocks' parameters in main memory. A loader fills them through `place`."""

    def __init__(self, config: TransformerConfig, backend: Backend, dtype: torch.dtype) -> None:
        self.config = config
        self.backend = backend
        with torch.device("meta"):
            kinds = {hears: _lay_out(TransformerBlock(config, backend, hears), dtype) for hears in (False, True)}
        self.hears_audio = [index in config.audio_injection_layers for index in range(config.num_layers)]
        self.layouts = [kinds[hears] for hears in self.hears_audio]
        self.buffers = [torch.empty(_size(layout), dtype=torch.uint8) for layout in self.layouts]

    def place(self, name: str) -> torch.Tensor | None:
        """The memory of the transformer's parameter of that name; None for one that is in no block."""
        if not name.startswith(_PREFIX):
            return None
        index, _, parameter = name.removeprefix(_PREFIX).partition(".")
        return self.layouts[int(index)][parameter].onto(self.buffers[int(index)])

    def pin(self) -> bool:
        """Lock the memory, so that copies from it run by themselves at the rate of the bus; False if that is refused.

        In place and exactly, where PyTorch's own pinned memory comes in powers of two.
        """
        runtime: Any = torch.cuda.cudart()
        pinned: list[torch.Tensor] = []
        weakref.finalize(self, _unpin, pinned)
        for buffer in self.buffers:
            if int(runtime.cudaHostRegister(buffer.data_ptr(), buffer.numel(), 0)) != 0:
                return False
            pinned.append(buffer)
        return True


def _unpin(pinned: list[torch.Tensor]) -> None:
    runtime: Any = torch.cuda.cudart()
    for buffer in pinned:
        runtime.cudaHostUnregister(buffer.data_ptr())


class StreamedBlocks:
    """Gives the blocks in their order, each ready on the device until the next is asked for."""

    def __init__(self, host: HostBlocks, device: torch.device, transfer: Transfer) -> None:
        self._host = host
        self._transfer = transfer
        size = max(buffer.numel() for buffer in host.buffers)
        self._slots = [torch.empty(size, dtype=torch.uint8, device=device) for _ in range(_SLOTS)]
        self._visitors = [
            {hears: _build(host, host.hears_audio.index(hears), slot) for hears in set(host.hears_audio)}
            for slot in self._slots
        ]
        self._held: list[int | None] = [None] * _SLOTS
        """The block that is in each slot, or on its way there."""

    def __len__(self) -> int:
        return len(self._host.buffers)

    def __iter__(self) -> Iterator[TransformerBlock]:
        slot = self._bring(0, self._held.index(0) if 0 in self._held else 0)
        for index in range(len(self)):
            following = self._bring((index + 1) % len(self), (slot + 1) % _SLOTS)
            self._transfer.wait(self._slots[slot])
            yield self._visitors[slot][self._host.hears_audio[index]]
            slot = following

    def _bring(self, index: int, slot: int) -> int:
        """Begin to copy a block to a slot unless it is there. What computed there before is waited for."""
        if self._held[slot] != index:
            source = self._host.buffers[index]
            self._held[slot] = index
            self._transfer.copy(self._slots[slot][: source.numel()], source)
        return slot


def _lay_out(block: nn.Module, dtype: torch.dtype) -> Layout:
    """Parameters one after the other: 8 bits and their scales as they are, the others in `dtype`."""
    layout: Layout = {}
    end = 0
    for name, parameter in block.named_parameters():
        is_scale = name.endswith("weight_scale")
        kept = parameter.dtype if parameter.dtype == FLOAT8 else torch.float32 if is_scale else dtype
        layout[name] = Window(-(-end // _ALIGNMENT) * _ALIGNMENT, tuple(parameter.shape), kept)
        end = layout[name].end
    return layout


def _size(layout: Layout) -> int:
    return max(window.end for window in layout.values())


def _build(host: HostBlocks, index: int, slot: torch.Tensor) -> TransformerBlock:
    """A block like the one of that index whose parameters are windows onto the slot."""
    with torch.device("meta"):
        block = TransformerBlock(host.config, host.backend, host.hears_audio[index])
    for name, window in host.layouts[index].items():
        owner, _, leaf = name.rpartition(".")
        block.get_submodule(owner)._parameters[leaf] = nn.Parameter(window.onto(slot), requires_grad=False)
    return cast(TransformerBlock, block.eval())
