"""Tensors in files, known by their headers first and read one at a time, straight to where they belong."""

import json
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import safe_open

_SAFETENSORS_SUFFIX = ".safetensors"
_HEADER_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000


class DamagedFileError(Exception):
    """A file that is there but cannot be what its name says; the message says why."""


@dataclass(frozen=True)
class TensorEntry:
    """What a header says of one tensor."""

    name: str
    shape: tuple[int, ...]
    file: Path


class TensorFile:
    """One file of tensors. Opening it reads its header and nothing more.

    Raises DamagedFileError when the header cannot be read or promises more bytes than the file has.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: tuple[TensorEntry, ...] = tuple(
            TensorEntry(name, shape, path) for name, shape in self._read_header()
        )

    def _read_header(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        if self.path.suffix == _SAFETENSORS_SUFFIX:
            return _read_safetensors_header(self.path)
        return ((name, tuple(tensor.shape)) for name, tensor in self._pickled.items())

    @cached_property
    def _pickled(self) -> Mapping[str, torch.Tensor]:
        return _map_pickled_tensors(self.path)

    def read(self, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
        """Each tensor in the order of the file, on `device`, in the dtype of the file."""
        if self.path.suffix == _SAFETENSORS_SUFFIX:
            with safe_open(self.path, framework="pt", device=str(device)) as file:
                for entry in self.entries:
                    yield entry.name, file.get_tensor(entry.name)
        else:
            for name, tensor in self._pickled.items():
                # A copy even on the CPU: the original is a window onto the file, which may change under it.
                yield name, tensor.to(device, copy=True)


class TensorStore:
    """All tensors of one part of a checkpoint, over one or several files."""

    def __init__(self, files: Sequence[TensorFile]) -> None:
        self.files = tuple(files)
        self.entries: Mapping[str, TensorEntry] = {entry.name: entry for file in files for entry in file.entries}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: entry.shape for name, entry in self.entries.items()}

    def read(self, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
        for file in self.files:
            yield from file.read(device)


def _read_safetensors_header(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes in the order of the data; the format is documented with the safetensors library."""
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(_HEADER_LENGTH_BYTES)
        if len(prefix) < _HEADER_LENGTH_BYTES:
            raise DamagedFileError(f"it has {size} bytes, too few for a safetensors header")
        (length,) = struct.unpack("<Q", prefix)
        if length > min(size, _LARGEST_HEADER):
            raise DamagedFileError(f"its header claims {length} bytes and the file has {size}")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise DamagedFileError(f"its header is not JSON ({error})") from error
    header.pop("__metadata__", None)
    promised = _HEADER_LENGTH_BYTES + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if promised != size:
        raise DamagedFileError(f"its header promises {promised} bytes and the file has {size}")
    in_order = sorted(header.items(), key=lambda item: item[1]["data_offsets"][0])
    return ((name, tuple(entry["shape"])) for name, entry in in_order)


def _map_pickled_tensors(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a `.pth` or `.bin` file, as windows onto it where its format allows."""
    try:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            # Files from before PyTorch 1.6 are not archives and cannot be mapped; they are small.
            if "mmap can only be used" not in str(error):
                raise
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DamagedFileError(f"PyTorch cannot read it ({reason})") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise DamagedFileError("it holds something other than a table of tensors")
    return content
