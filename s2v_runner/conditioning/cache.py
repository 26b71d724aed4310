"""What was encoded once, kept on disk: many runs differ in the sampler alone.

An entry is a safetensors file, named by the hash of everything that its tensors depend on.
"""

import hashlib
import warnings
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from s2v_runner.digests import digest_of
from s2v_runner.replacement import discard_leftovers, replacing, unfinished_path

Asked = Mapping[str, Any]
"""What is to be encoded and every choice its encoding depends on, as JSON."""
Tensors = Mapping[str, torch.Tensor]

_KEY, _CONTENT = "key", "content"


class Cache(Protocol):
    """Where encoded tensors are looked for, and kept."""

    @abstractmethod
    def read(self, name: str, asked: Asked) -> Tensors | None:
        """The tensors of a kind that were kept for the same `asked`, on the CPU; None where there are none."""

    @abstractmethod
    def keep(self, name: str, asked: Asked, tensors: Tensors) -> None:
        """Keep tensors, as `at_rest` makes them. Where that is not possible, the user is warned."""


class _NoCache(Cache):
    def read(self, name: str, asked: Asked) -> None:
        return None

    def keep(self, name: str, asked: Asked, tensors: Tensors) -> None:
        pass


NO_CACHE: Cache = _NoCache()
"""Everything is encoded anew."""


class ConditioningCache(Cache):
    """A folder of entries that all runs may share, several at once.

    `scope` is all that tensors depend on beside what is asked: the weights, the device, the libraries.
    """

    def __init__(self, folder: Path, scope: Mapping[str, str]) -> None:
        self._folder = folder
        self._scope = scope
        self._has_warned = False

    def read(self, name: str, asked: Asked) -> Tensors | None:
        """See `Cache`. A damaged entry counts as none, and is replaced when its tensors are kept again."""
        key = self._key(name, asked)
        try:
            with safe_open(self._path(name, key), framework="pt") as file:
                told = file.metadata() or {}
                tensors = {each: file.get_tensor(each) for each in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, KeyError):
            return None
        if told != {_KEY: key, _CONTENT: _digest_content(tensors)}:
            return None
        # Copied, because so far they are views of the file, which begin at any byte.
        return at_rest(tensors)

    def keep(self, name: str, asked: Asked, tensors: Tensors) -> None:
        key = self._key(name, asked)
        path = self._path(name, key)
        content = save(dict(tensors), {_KEY: key, _CONTENT: _digest_content(tensors)})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for folder in self._folder.iterdir():
                discard_leftovers(folder)
            # Not left to safetensors, which writes under hidden names of its own.
            with replacing(path, unfinished_path(path)) as file:
                file.write(content)
        except OSError as error:
            self._warn(error)

    def _key(self, name: str, asked: Asked) -> str:
        return digest_of({"name": name, "scope": self._scope, "asked": asked})

    def _path(self, name: str, key: str) -> Path:
        return self._folder / name / f"{key}.safetensors"

    def _warn(self, error: OSError) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        reason = error.strerror or str(error)
        warnings.warn(
            f"'{self._folder}' cannot be written: {reason}. This run goes on; the next one encodes its inputs anew",
            stacklevel=3,
        )


def at_rest(tensors: Tensors) -> Tensors:
    """Copies on the CPU with their elements in order, so that tensors just made and tensors read back are alike.

    Kernels may round otherwise where values lie otherwise in memory.
    """
    return {name: tensor.cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}


def digest_array(array: np.ndarray) -> str:
    """SHA-256 of an array: its values, their type and its shape."""
    digest = hashlib.sha256(f"{array.dtype.str} {list(array.shape)}\n".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _digest_content(tensors: Tensors) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        # As bytes, because NumPy lacks some of PyTorch's types.
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
