"""Weights that the processes of a group share out among them: PyTorch's FSDP2, for inference.

A process keeps some rows of each parameter. All rows of a unit, which is a module that works by itself, are gathered
when it is called, and let go of afterwards; while a block computes, the rows of the next are on their way.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor
from transformers import UMT5EncoderModel

from s2v_runner.parallel.group import Group
from s2v_runner.transformer import S2VTransformer

_PREPARE = "prepare"


class FullyShards:
    """Every parameter shared out among all processes of a group, by rows, as FSDP2 does it.

    Each process loads the same modules and makes the same calls to them in the same order, or all wait for each other.
    """

    def __init__(self, group: Group) -> None:
        assert group.device.type != "cuda" or group.device.index == torch.cuda.current_device(), group.device
        self._rank, self._size, self._observer = group.rank, group.size, group.observer
        # Processes of their own: weights that are on their way for later keep nothing waiting that is needed at once.
        self._mesh = DeviceMesh.from_group(group.processes([range(group.size)]), group.device.type)

    def wrap(self, module: nn.Module) -> None:
        """Divide a transformer or a text encoder into its units."""
        # FSDP wants one dtype of parameters only where they are trained.
        module.requires_grad_(False)
        if isinstance(module, S2VTransformer):
            self._divide_transformer(module)
        else:
            assert isinstance(module, UMT5EncoderModel), type(module)
            self._divide_text_encoder(module)

    def rows(self, count: int) -> range:
        """As `torch.chunk` divides them: the last processes may have fewer, or none."""
        share = -(-count // self._size)
        begin, end = (min(count, share * rank) for rank in (self._rank, self._rank + 1))
        return range(begin, end)

    def assemble(self, empty: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """The parameter whose part in this process are these rows."""
        assert isinstance(empty, DTensor)
        return DTensor.from_local(
            rows, empty.device_mesh, empty.placements, run_check=False, shape=empty.shape, stride=empty.stride()
        )

    def _divide_transformer(self, transformer: S2VTransformer) -> None:
        blocks = [self._make_unit(block, _PREPARE) for block in transformer.blocks]
        time = self._make_unit(transformer.time_embedding)
        # What prepares a clip is large, and takes no part in its steps.
        for once_a_clip in (transformer.text_embedding, transformer.audio_encoder, transformer.motion_packer):
            self._make_unit(once_a_clip)
        self._make_unit(transformer, _PREPARE)
        _call_in_turn([time, *blocks])

    def _divide_text_encoder(self, encoder: UMT5EncoderModel) -> None:
        # The one module, and not two with one parameter, so that it belongs to one unit.
        encoder.set_input_embeddings(encoder.get_input_embeddings())
        layers = [self._make_unit(layer) for layer in (encoder.get_input_embeddings(), *encoder.encoder.block)]
        self._make_unit(encoder)
        _call_in_turn(layers)

    def _make_unit(self, module: nn.Module, *methods: str) -> FSDPModule:
        """What is in the module and in no unit yet is gathered when it is called, or one of the methods is."""
        unit = fully_shard(module, mesh=self._mesh, reshard_after_forward=True)
        module.register_forward_pre_hook(self._tell, prepend=True)
        for method in methods:
            register_fsdp_forward_method(module, method)
        return unit

    def _tell(self, *_: Any) -> None:
        """That this process is about to wait for the others."""
        self._observer.meet()


def _call_in_turn(units: Sequence[FSDPModule]) -> None:
    """Let each unit's parameters be on their way while the one before computes."""
    for unit, following in pairwise(units):
        unit.set_modules_to_forward_prefetch([following])
