"""Tensors in files, known by their headers first and read one at a time, straight to where they belong."""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from s2v_runner.checkpoint.headers import SAFETENSORS_SUFFIX, DamagedFileError, read_header
from s2v_runner.checkpoint.reading import Reader, open_reader
from s2v_runner.checkpoint.sources import FileSource, Source, TensorSource

# The dtypes that weights are published in, by their names in safetensors headers. Others are quantised, and
# mean nothing without scales that this project does not read.
_STORED_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class TensorEntry:
    """What a header says of one tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    file: Path
    begin: int
    """Where its bytes begin in what is read of the file."""
    end: int

    @property
    def row_count(self) -> int:
        """Of its first axis; a single number is a row."""
        return self.shape[0] if self.shape else 1

    def of_rows(self, rows: range) -> "TensorEntry":
        """These of its rows by themselves."""
        if rows == range(self.row_count):
            return self
        row_bytes = (self.end - self.begin) // self.row_count
        begin, end = (self.begin + row_bytes * row for row in (rows.start, rows.stop))
        return replace(self, shape=(len(rows), *self.shape[1:]), begin=begin, end=end)


class TensorFile:
    """One file of tensors. Opening it reads its header and nothing more.

    Raises DamagedFileError when the header cannot be read, promises more bytes than the file has, or names a
    dtype that weights do not come in.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        is_pickled = path.suffix != SAFETENSORS_SUFFIX
        self.entries = tuple(self._map_entries() if is_pickled else _read_entries(path))

    def read(self, device: torch.device) -> Iterator[tuple[str, torch.Tensor]]:
        """Each tensor in the order of the file, on `device`, in the dtype of the file.

        Raises DamagedFileError when the data are not what the header says.
        """

        def place(entry: TensorEntry) -> torch.Tensor:
            return torch.empty(entry.shape, dtype=entry.dtype, device=device)

        with open_reader(device) as reader:
            for entry, tensor in self.fill(self.entries, place, reader):
                yield entry.name, tensor

    def fill(
        self, entries: Sequence[TensorEntry], place: Callable[[TensorEntry], torch.Tensor], reader: Reader
    ) -> Iterator[tuple[TensorEntry, torch.Tensor]]:
        """Fill the tensors that `place` gives for these entries, contiguous and in the dtype of the file.

        Each is handed on once it is whole. Raises as `read` does.
        """
        try:
            yield from reader.read(self._source, entries, place)
        except OSError as error:
            raise DamagedFileError(f"its tensors cannot be read ({_summary(error)})") from error

    @cached_property
    def _source(self) -> Source:
        if self.path.suffix == SAFETENSORS_SUFFIX:
            return FileSource(self.path)
        return TensorSource(self._pickled.values())

    @cached_property
    def _pickled(self) -> Mapping[str, torch.Tensor]:
        return _map_pickled_tensors(self.path)

    def _map_entries(self) -> Iterator[TensorEntry]:
        begin = 0
        for name, tensor in self._pickled.items():
            _check_dtype(name, tensor.dtype if tensor.dtype in _STORED_DTYPES.values() else None, str(tensor.dtype))
            end = begin + tensor.numel() * tensor.element_size()
            yield TensorEntry(name, tuple(tensor.shape), tensor.dtype, self.path, begin, end)
            begin = end


class TensorStore:
    """All tensors of one part of a checkpoint, over one or several files."""

    def __init__(self, files: Sequence[TensorFile]) -> None:
        self.files = tuple(files)
        self.entries: Mapping[str, TensorEntry] = {entry.name: entry for file in files for entry in file.entries}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: entry.shape for name, entry in self.entries.items()}


def _read_entries(path: Path) -> Iterator[TensorEntry]:
    for entry in read_header(path).entries:
        dtype = _check_dtype(entry.name, _STORED_DTYPES.get(entry.dtype), entry.dtype)
        yield TensorEntry(entry.name, entry.shape, dtype, path, entry.begin, entry.end)


def _check_dtype(name: str, known: torch.dtype | None, stated: str) -> torch.dtype:
    if known is None:
        raise DamagedFileError(f"tensor '{name}' is stored as {stated}; weights are {', '.join(_STORED_DTYPES)}")
    return known


def _map_pickled_tensors(path: Path) -> Mapping[str, torch.Tensor]:
    """The tensors of a `.pth` or `.bin` file, as windows onto it where its format allows. Raises DamagedFileError."""
    try:
        content = _unpickle(path)
    except Exception as error:  # a damaged file can make a parser raise anything
        raise DamagedFileError(f"it cannot be read ({_summary(error)})") from error
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in content.items()
    ):
        raise DamagedFileError("it holds something other than a table of tensors")
    return content


def _unpickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError as error:
        # Files from before PyTorch 1.6 are not archives and cannot be mapped; they are small.
        if "mmap can only be used" not in str(error):
            raise
        return torch.load(path, map_location="cpu", weights_only=True)


def _summary(error: Exception) -> str:
    """An error in a few words. PyTorch's advice to load what is not safe is left out."""
    lines = str(error).strip().splitlines()
    if not lines or isinstance(error, pickle.UnpicklingError):
        return "it is no table of tensors"
    return f"{type(error).__name__}: {lines[0].rstrip('.')}"
