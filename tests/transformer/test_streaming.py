"""Blocks that visit the device from main memory compute what resident ones do."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from s2v_runner.transformer import Backend, S2VTransformer, plain_backend
from s2v_runner.transformer.blocks import TransformerBlock
from s2v_runner.transformer.kernels.plain import PLAIN_FLOAT8
from s2v_runner.transformer.linear import Float8Linear, multiply_widened
from s2v_runner.transformer.streaming import HostBlocks, ImmediateTransfer, StreamedBlocks, Transfer
from tests.conftest import CPU
from tests.transformer.models import CONFIG, LATENTS, TIME, make_conditioning, make_transformer

PLAIN = plain_backend("sdpa")
IN_FLOAT8 = replace(PLAIN, kernels=PLAIN_FLOAT8, linear=partial(Float8Linear, multiply=multiply_widened))


class LateTransfer:
    """Copies at the last moment that is allowed: when the block is waited for."""

    def __init__(self) -> None:
        self.begun: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.copies = 0

    def copy(self, target: torch.Tensor, source: torch.Tensor) -> None:
        target.fill_(255)  # whoever still computes there computes nonsense
        self.begun[target.data_ptr()] = (target, source)
        self.copies += 1

    def wait(self, target: torch.Tensor) -> None:
        if copy := self.begun.pop(target.data_ptr(), None):
            copy[0].copy_(copy[1])


def fill(host: HostBlocks, transformer: S2VTransformer) -> None:
    for name, parameter in transformer.named_parameters():
        place = host.place(name)
        if place is not None:
            assert (place.shape, place.dtype) == (parameter.shape, parameter.dtype)
            place.copy_(parameter)


def streamed(backend: Backend, dtype: torch.dtype, transfer: Transfer) -> S2VTransformer:
    transformer = make_transformer(backend, dtype)
    host = HostBlocks(CONFIG, backend, dtype)
    fill(host, transformer)
    transformer.stream(StreamedBlocks(host, CPU, transfer))
    return transformer


@pytest.mark.parametrize("transfer", [ImmediateTransfer(), LateTransfer()], ids=["at once", "late"])
@pytest.mark.parametrize(
    ("backend", "dtype"), [(PLAIN, torch.float32), (PLAIN, torch.bfloat16), (IN_FLOAT8, torch.bfloat16)]
)
@torch.no_grad()
def test_the_result_is_the_same(backend: Backend, dtype: torch.dtype, transfer: Transfer):
    resident, visiting = make_transformer(backend, dtype), streamed(backend, dtype, transfer)
    ours, theirs = (model.prepare(make_conditioning()) for model in (visiting, resident))
    for _ in range(2):
        assert torch.equal(visiting(LATENTS, TIME, ours), resident(LATENTS, TIME, theirs))


@torch.no_grad()
def test_a_pass_brings_each_block_once_and_the_first_of_the_next():
    transfer = LateTransfer()
    model = streamed(PLAIN, torch.float32, transfer)
    prepared = model.prepare(make_conditioning())
    assert transfer.copies == CONFIG.num_layers + 1
    model(LATENTS, TIME, prepared)
    assert transfer.copies == 2 * CONFIG.num_layers + 1


@torch.no_grad()
def test_after_a_pass_that_ended_early_the_next_begins_with_the_first_block():
    resident, visiting = make_transformer(PLAIN, torch.float32), streamed(PLAIN, torch.float32, LateTransfer())
    prepared = resident.prepare(make_conditioning())
    blocks = iter(visiting.blocks)
    next(blocks)
    next(blocks)
    del blocks
    assert torch.equal(visiting(LATENTS, TIME, prepared), resident(LATENTS, TIME, prepared))


def test_the_device_holds_two_blocks():
    model = streamed(PLAIN, torch.bfloat16, ImmediateTransfer())
    first, second = (next(iter(model.blocks)) for _ in range(2))
    assert isinstance(first, TransformerBlock)
    assert first is second, "a pass that has been left begins anew, where its first block is"
    held = {parameter.untyped_storage().data_ptr() for block in model.blocks for parameter in block.parameters()}
    assert len(held) == 2
    assert not any(name.startswith("blocks.") for name, _ in model.named_parameters())
