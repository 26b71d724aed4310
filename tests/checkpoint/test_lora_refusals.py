"""What is no LoRA of this model is refused, most of it from its header."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.loras import check_loras, count_left_out
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.engine import Engine
from s2v_runner.errors import InputError
from tests.checkpoint.loras import RANK, WIDTH, Tensors, lora_at, merged, write
from tests.conftest import make_engine
from tests.places import TINY_CHECKPOINT

Q = "diffusion_model.blocks.0.self_attn.q"


def pair(**changes: torch.Tensor) -> Tensors:
    """A sound pair of factors, with changes."""
    tensors = {"lora_down.weight": torch.randn(RANK, WIDTH), "lora_up.weight": torch.randn(WIDTH, RANK)}
    return {f"{Q}.{name}": tensor for name, tensor in (tensors | changes).items()}


def with_header(text: str) -> dict[str, str]:
    return {"lora_adapter_metadata": text}


REFUSED: dict[str, tuple[Tensors, dict[str, str] | None, str]] = {
    "of another model": (
        {"transformer.single_blocks.0.lora_A.weight": torch.zeros(2, 2)},
        None,
        r"1 of its 1 tensors belong to nothing in this model, such as 'transformer.single_blocks.0.lora_A.weight'",
    ),
    "partly of another": (
        pair() | {f"diffusion_model.vace_blocks.{n}.diff_b": torch.zeros(WIDTH) for n in range(5)},
        None,
        "5 of its 7 tensors belong to nothing",
    ),
    "of a block that is not there": (
        {"diffusion_model.blocks.39.self_attn.q.diff_b": torch.zeros(WIDTH)},
        None,
        "belong to nothing",
    ),
    "of a method that is not known": (
        pair() | {f"{Q}.dora_scale": torch.zeros(WIDTH)},
        None,
        "belong to nothing.*dora_scale",
    ),
    "twice": (pair() | {f"{Q}.lora_A.weight": torch.zeros(RANK, WIDTH)}, None, "belong to nothing"),
    "half": ({f"{Q}.lora_down.weight": torch.zeros(RANK, WIDTH)}, None, "lack their other half"),
    "alpha alone": ({f"{Q}.alpha": torch.tensor(1.0)}, None, "lack their other half"),
    "wider": (
        pair(**{"lora_down.weight": torch.zeros(RANK, WIDTH + 1)}),
        None,
        "1 of its 2 tensors are not of the shapes of this model's layers",
    ),
    "factors of two ranks": (
        pair(**{"lora_up.weight": torch.zeros(WIDTH, RANK + 1)}),
        None,
        "1 of its 2 tensors are not of the shapes",
    ),
    "short difference": ({f"{Q}.diff_b": torch.zeros(WIDTH - 1)}, None, "are not of the shapes"),
    "bias where none is": (
        {"diffusion_model.blocks.0.self_attn.norm_q.diff_b": torch.zeros(WIDTH)},
        None,
        "are not of",
    ),
    "eight bits": (
        pair(**{"lora_up.weight": torch.zeros(WIDTH, RANK).to(torch.float8_e4m3fn)}),
        None,
        "are not F32, F16, BF16",
    ),
    "many alphas": (pair(alpha=torch.zeros(2)), None, "are not F32"),
    "empty": ({}, None, "it changes nothing"),
    "other scaling": (pair(), with_header('{"transformer.use_rslora": true}'), "trained with use_rslora"),
    "broken settings": (pair(), with_header("{"), "cannot be read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_from_its_header(tmp_path: Path, case: str):
    tensors, metadata, words = REFUSED[case]
    path = write(tmp_path / "a.safetensors", tensors, metadata)
    with pytest.raises(InputError, match=words) as refused:
        check_loras([lora_at(path)], locate_checkpoint(TINY_CHECKPOINT))
    assert str(path) in str(refused.value)
    engine = Engine(replace(make_engine(TINY_CHECKPOINT).settings, loras=(lora_at(path),)), lambda *_: None, UNSHARDED)
    with pytest.raises(InputError, match=words):
        engine.check()


def test_a_file_that_is_none_is_refused(tmp_path: Path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(InputError, match="there is no such file"):
        count_left_out(path)
    path.write_bytes(b"no header")
    with pytest.raises(InputError, match="header claims"):
        count_left_out(path)


@pytest.mark.parametrize("key", ["lora_down.weight", "lora_up.weight", "alpha"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, key: str, value: float):
    tensors = pair(alpha=torch.tensor(1.0))
    tensors[f"{Q}.{key}"].view(-1)[:1].fill_(value)
    path = write(tmp_path / "a.safetensors", tensors)
    with pytest.raises(InputError, match=rf"a\.safetensors': '{Q}.{key}' holds values that are not finite"):
        merged(TINY_CHECKPOINT, lora_at(path))
