"""Tensors in files, known by their headers first and read one at a time, straight to where they belong."""

import json
import pickle
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

_SAFETENSORS_SUFFIX = ".safetensors"
_HEADER_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000

# The dtypes that weights are published in, by their names in safetensors headers. Others are quantised, and
# mean nothing without scales that this project does not read.
_STORED_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


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

    Raises DamagedFileError when the header cannot be read, promises more bytes than the file has, or names a
    dtype that weights do not come in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.entries = tuple(TensorEntry(name, shape, path) for name, shape in self._read_header())
        except DamagedFileError:
            raise
        except Exception as error:  # a damaged file can make a parser raise anything
            raise DamagedFileError(f"it cannot be read ({_summary(error)})") from error

    def read(self, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
        """Each tensor in the order of the file, on `device`, in the dtype of the file.

        Raises DamagedFileError when the data are not what the header says.
        """
        try:
            yield from self._read_tensors(device)
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            raise DamagedFileError(f"its tensors cannot be read ({_summary(error)})") from error

    def _read_header(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        if self.path.suffix == _SAFETENSORS_SUFFIX:
            return _read_safetensors_header(self.path)
        return _read_pickled_header(self._pickled)

    @cached_property
    def _pickled(self) -> Mapping[str, torch.Tensor]:
        return _map_pickled_tensors(self.path)

    def _read_tensors(self, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
        # Copied on the CPU, where what the libraries give is a window onto the file, which may change under it.
        if self.path.suffix == _SAFETENSORS_SUFFIX:
            with safe_open(self.path, framework="pt", device=str(device)) as file:
                for entry in self.entries:
                    tensor = file.get_tensor(entry.name)
                    yield entry.name, tensor.clone() if device.type == "cpu" else tensor
        else:
            for name, tensor in self._pickled.items():
                yield name, tensor.to(device, copy=True)


class TensorStore:
    """All tensors of one part of a checkpoint, over one or several files."""

    def __init__(self, files: Sequence[TensorFile]) -> None:
        self.files = tuple(files)
        self.entries: Mapping[str, TensorEntry] = {entry.name: entry for file in files for entry in file.entries}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: entry.shape for name, entry in self.entries.items()}


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
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    promised = _HEADER_LENGTH_BYTES + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if promised != size:
        raise DamagedFileError(f"its header promises {promised} bytes and the file has {size}")
    for name, entry in header.items():
        _check_dtype(name, _STORED_DTYPES.get(entry["dtype"]), entry["dtype"])
    in_order = sorted(header.items(), key=lambda item: item[1]["data_offsets"][0])
    return ((name, tuple(entry["shape"])) for name, entry in in_order)


def _read_pickled_header(tensors: Mapping[str, torch.Tensor]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, tensor in tensors.items():
        _check_dtype(name, tensor.dtype if tensor.dtype in _STORED_DTYPES.values() else None, str(tensor.dtype))
    return ((name, tuple(tensor.shape)) for name, tensor in tensors.items())


def _check_dtype(name: str, known: torch.dtype | None, stated: str) -> None:
    if known is None:
        raise DamagedFileError(f"tensor '{name}' is stored as {stated}; weights are {', '.join(_STORED_DTYPES)}")


def _map_pickled_tensors(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a `.pth` or `.bin` file, as windows onto it where its format allows."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        # Files from before PyTorch 1.6 are not archives and cannot be mapped; they are small.
        if "mmap can only be used" not in str(error):
            raise
        content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in content.items()
    ):
        raise DamagedFileError("it holds something other than a table of tensors")
    return content


def _summary(error: Exception) -> str:
    """An error in a few words. PyTorch's advice to load what is not safe is left out."""
    lines = str(error).strip().splitlines()
    if not lines or isinstance(error, pickle.UnpicklingError):
        return "it is no table of tensors"
    return f"{type(error).__name__}: {lines[0].rstrip('.')}"
