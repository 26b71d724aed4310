"""A file of tensors → a network, strictly: every name and every shape is compared before anything is used."""

import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from s2v_runner.metrics.weighted.files import check_tensors, is_safetensors, refuse


def read_tensors(key: str, path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a file of PyTorch's or safetensors', on the CPU.

    Raises InputError for a file that is missing, damaged, holds anything else, or numbers that are not finite.
    """
    check_tensors(key, path)
    try:
        content = load_file(path) if is_safetensors(path) else torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # PyTorch's message advises to load what is not safe
        raise refuse(key, path, "it holds something other than a table of tensors") from error
    except Exception as error:  # a damaged file can make a parser raise anything
        raise refuse(key, path, f"it cannot be read ({type(error).__name__})") from error
    if not isinstance(content, Mapping) or not all(isinstance(tensor, torch.Tensor) for tensor in content.values()):
        raise refuse(key, path, "it holds something other than a table of tensors")
    broken = [str(name) for name, tensor in content.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise refuse(key, path, f"it has {_some(broken)} with numbers that are not finite")
    return {str(name): tensor for name, tensor in content.items()}


def fill(
    network: nn.Module,
    tensors: Mapping[str, torch.Tensor],
    key: str,
    path: Path,
    may_lack: Callable[[str], bool],
) -> None:
    """Load the tensors into the network and make it ready to judge.

    `may_lack` tells the names that the file need not have. Raises InputError where names or shapes are others.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    difference = _describe_difference(
        [name for name in expected if name not in found and not may_lack(name)],
        [name for name in found if name not in expected],
        [
            f"'{name}' with shape {list(shape)} and not {list(expected[name])}"
            for name, shape in found.items()
            if name in expected and shape != expected[name]
        ],
    )
    if difference:
        raise refuse(key, path, difference)
    network.load_state_dict(tensors, strict=False)
    network.eval().requires_grad_(False)


def _describe_difference(missing: list[str], other: list[str], misshapen: list[str]) -> str:
    parts = []
    if missing:
        parts.append(f"it lacks {_some(missing)}")
    if other:
        parts.append(f"it has {_some(other)} that the network has not")
    if misshapen:
        others = f" and {len(misshapen) - 1} more of other shapes" if misshapen[1:] else ""
        parts.append(f"it has {misshapen[0]}{others}")
    return "; ".join(parts)


def _some(names: Iterable[str]) -> str:
    first, *others = names
    return f"{len(others) + 1} tensors (such as '{first}')" if others else f"a tensor '{first}'"
