"""Loading: strict, finite, in the dtype asked for, and never twice in memory."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from s2v_runner.checkpoint.inspection import inspect_checkpoint
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.load import load_transformer, place_on
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.engine import Engine
from s2v_runner.errors import InputError
from s2v_runner.transformer import plain_backend
from s2v_runner.transformer.model import FLOAT32_PREFIXES
from tests.checkpoint.folders import copy_official, rewrite_shard, write_larger
from tests.conftest import CPU, TINY_CHECKPOINT, make_engine


def test_parts_stay_float32_where_they_must(tiny_engine: Engine):
    transformer = make_engine(TINY_CHECKPOINT, torch.bfloat16).transformer
    for name, parameter in transformer.named_parameters():
        expected = torch.float32 if name.startswith(FLOAT32_PREFIXES) else torch.bfloat16
        assert parameter.dtype == expected, name
    assert {parameter.dtype for parameter in tiny_engine.transformer.parameters()} == {torch.float32}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["blocks.2.self_attn.q.weight", "casual_audio_encoder.weights"])
def test_weights_that_are_not_finite_are_named(tmp_path: Path, name: str, value: float):
    folder = copy_official(tmp_path / "weights")
    index = json.loads((folder / "diffusion_pytorch_model.safetensors.index.json").read_text())
    rewrite_shard(folder / index["weight_map"][name], lambda tensors: tensors[name].view(-1)[3:4].fill_(value))
    engine = make_engine(folder)
    engine.check()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        _ = engine.transformer


def test_what_is_loaded_does_not_hang_on_the_file(tmp_path: Path):
    folder = copy_official(tmp_path / "weights")
    transformer = make_engine(folder).transformer
    before = {name: parameter.clone() for name, parameter in transformer.named_parameters()}
    for shard in folder.glob("*.safetensors"):
        with shard.open("r+b") as file:
            file.seek(shard.stat().st_size // 2)
            file.write(b"\xff" * 1000)
    assert all(torch.equal(before[name], parameter) for name, parameter in transformer.named_parameters())


def test_data_that_are_not_what_the_header_says_are_refused(tmp_path: Path):
    folder = copy_official(tmp_path / "weights")
    engine = make_engine(folder)
    engine.check()
    shard = folder / "diffusion_pytorch_model-00001-of-00004.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1000])
    with pytest.raises(InputError, match=shard.name):
        _ = engine.transformer


def test_progress_counts_every_tensor():
    told = []
    engine = make_engine(TINY_CHECKPOINT)
    engine._progress = lambda *step: told.append(step)
    _ = engine.vae
    assert [done for _, done, _ in told] == list(range(1, 195))
    assert {total for *_, total in told} == {194}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parameters_lie_where_the_caller_wants_them(dtype: torch.dtype):
    part = inspect_checkpoint(locate_checkpoint(TINY_CHECKPOINT), plain_backend("sdpa"))["transformer"]
    slabs: dict[str, torch.Tensor] = {}
    used: dict[str, int] = {}

    def place(name: str, shape: tuple[int, ...], kept: torch.dtype) -> torch.Tensor:
        """All of a block one after another, and the rest in a place of its own."""
        slab = ".".join(name.split(".")[:2]) if name.startswith("blocks.") else name
        memory = slabs.setdefault(slab, torch.empty(1 << 22, dtype=torch.uint8))
        begin = used.get(slab, 0)
        end = used[slab] = begin + math.prod(shape) * kept.itemsize
        return memory[begin:end].view(kept).view(shape)

    transformer = load_transformer(part, CPU, place, dtype, {}, UNSHARDED, lambda *_: None)
    expected = load_transformer(part, CPU, place_on(CPU), dtype, {}, UNSHARDED, lambda *_: None).state_dict()
    for name, tensor in transformer.state_dict().items():
        assert torch.equal(tensor, expected[name])
        assert tensor.dtype == expected[name].dtype
    block = dict(next(iter(transformer.blocks)).named_parameters())
    assert len({parameter.untyped_storage().data_ptr() for parameter in block.values()}) == 1
    assert used["blocks.0"] == sum(parameter.nbytes for parameter in block.values())


MEASURE = """
import sys, torch
from pathlib import Path
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.inspection import inspect_checkpoint
from s2v_runner.checkpoint.load import load_transformer, place_on
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.transformer import plain_backend

def own_memory():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))

part = inspect_checkpoint(locate_checkpoint(sys.argv[1]), plain_backend("sdpa"))["transformer"]
before, peak = own_memory(), 0
def note(*_):
    global peak
    peak = max(peak, own_memory())
device = torch.device("cpu")
model = load_transformer(part, device, place_on(device), getattr(torch, sys.argv[2]), {}, UNSHARDED, note)
size = sum(p.numel() * p.element_size() for p in model.parameters())
print((peak - before) / size)
"""


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_loading_never_holds_a_second_copy(tmp_path: Path, dtype: str):
    folder = write_larger(copy_official(tmp_path / "weights"))
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder), dtype], capture_output=True, text=True, timeout=120, check=True
    )
    # A second copy makes 2 and more. What is in flight is a tensor or two, in the file's wider dtype, and what the
    # allocator keeps of those that went before.
    assert 0.8 < float(result.stdout) < 1.7
