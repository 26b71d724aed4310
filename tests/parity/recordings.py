"""The recordings of the original: where they are, and what agreeing with them means."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

GOLDEN = Path(os.environ.get("S2V_GOLDEN", Path(__file__).parent.parent / "golden")).resolve()
CHECKPOINT = GOLDEN / "checkpoint"


def read_json(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


@cache
def tensors(name: str) -> dict[str, torch.Tensor]:
    return load_file(GOLDEN / f"{name}.safetensors")


def case(name: str, key: str) -> dict[str, torch.Tensor]:
    """The tensors of one case, without its key in their names."""
    found = {k.removeprefix(f"{key}."): v for k, v in tensors(name).items() if k.startswith(f"{key}.")}
    assert found, f"{name} has no case {key}"
    return found


def case_keys(name: str) -> list[str]:
    return sorted({key.split(".")[0] for key in tensors(name)})


def assert_agrees(ours: torch.Tensor, recorded: torch.Tensor, tolerance: float) -> None:
    """max|ours − recorded| ≤ tolerance · max|recorded|, over the whole tensor."""
    recorded = recorded.float()
    assert ours.shape == recorded.shape
    assert torch.isfinite(ours).all()
    error = (ours.float() - recorded).abs().max().item()
    scale = recorded.abs().max().item()
    assert error <= tolerance * scale, f"off by {error / scale:.2e} of the largest value; {tolerance:.0e} is allowed"
