"""Where modules are while they work, and where they wait."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from accelerate import cpu_offload
from accelerate.hooks import remove_hook_from_module

from s2v_runner.checkpoint.load import Place, place_on
from s2v_runner.transformer import Backend, S2VTransformer, TransformerConfig
from s2v_runner.transformer.streaming import HostBlocks, ImmediateTransfer, StreamedBlocks, StreamTransfer

Module = TypeVar("Module", bound=torch.nn.Module)


@contextmanager
def visit(module: Module, device: torch.device, home: torch.device) -> Iterator[Module]:
    """The module on a device, and back home afterwards."""
    module.to(device)
    try:
        yield module
    finally:
        module.to(home)


@contextmanager
def visit_by_layers(module: Module, device: torch.device) -> Iterator[Module]:
    """The module at work on a device that is given one of its layers after the other; its home is main memory."""
    cpu_offload(module, device, offload_buffers=True)
    try:
        yield module
    finally:
        remove_hook_from_module(module, recurse=True)


class BlocksAtHome:
    """The blocks of a transformer in main memory, from where they visit a device."""

    def __init__(self, config: TransformerConfig, backend: Backend, dtype: torch.dtype, device: torch.device) -> None:
        self._host = HostBlocks(config, backend, dtype)
        self._device = device

    @property
    def place(self) -> Place:
        """Where a loader puts parameters: the blocks' in main memory, the others on the device."""
        elsewhere = place_on(self._device)

        def place(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
            kept = self._host.place(name)
            return elsewhere(name, shape, dtype) if kept is None else kept

        return place

    def stream_to(self, transformer: S2VTransformer) -> None:
        """Let a transformer whose blocks were loaded through `place` take them from here."""
        transfer = ImmediateTransfer()
        if self._device.type == "cuda":
            transfer = StreamTransfer(self._device)
            if not self._host.pin():
                warnings.warn(
                    "the operating system does not let main memory be locked: blocks come to the GPU more slowly",
                    stacklevel=2,
                )
        transformer.stream(StreamedBlocks(self._host, self._device, transfer))
