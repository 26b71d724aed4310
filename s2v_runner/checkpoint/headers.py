"""What safetensors files say of themselves, read without their data. Nothing heavy is imported."""

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAFETENSORS_SUFFIX = ".safetensors"
_HEADER_LENGTH_BYTES = 8
_LARGEST_HEADER = 100_000_000
_METADATA = "__metadata__"
# Bytes of a number, by the format's names of its dtypes; those of less than a byte are left out.
_WIDTHS = {
    **{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1},
    **{"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1},
}


class DamagedFileError(Exception):
    """A file that is there but cannot be what its name says; the message says why."""


@dataclass(frozen=True)
class HeaderEntry:
    """What a header says of one tensor."""

    name: str
    dtype: str
    """As the format calls it, such as `BF16`."""
    shape: tuple[int, ...]
    begin: int
    """Where its bytes begin, counted from the beginning of the file."""
    end: int


@dataclass(frozen=True)
class Header:
    """The header of a safetensors file."""

    entries: tuple[HeaderEntry, ...]
    """In the order of the data."""
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """Read the header; the format is documented with the safetensors library.

    Raises DamagedFileError when it cannot be read, when its tensors do not lie one after another, or when they are
    not as long together as the file.
    """
    try:
        return _read(path)
    except DamagedFileError:
        raise
    except Exception as error:  # a damaged file can make a parser raise anything
        lines = str(error).strip().splitlines() or [""]
        raise DamagedFileError(f"it cannot be read ({type(error).__name__}: {lines[0].rstrip('.')})") from error


def _read(path: Path) -> Header:
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(_HEADER_LENGTH_BYTES)
        if len(prefix) < _HEADER_LENGTH_BYTES:
            raise DamagedFileError(f"it has {size} bytes, too few for a safetensors header")
        (length,) = struct.unpack("<Q", prefix)
        if length > min(size, _LARGEST_HEADER):
            raise DamagedFileError(f"its header claims {length} bytes and the file has {size}")
        header = json.loads(file.read(length))
    metadata = header.pop(_METADATA, None) or {}
    start = _HEADER_LENGTH_BYTES + length
    promised = start + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if promised != size:
        raise DamagedFileError(f"its header promises {promised} bytes and the file has {size}")
    entries = [_entry(name, stated, start) for name, stated in header.items()]
    entries.sort(key=lambda entry: (entry.begin, entry.end))
    _check_gaps(entries, start)
    return Header(tuple(entries), metadata)


def _entry(name: str, stated: Mapping[str, Any], start: int) -> HeaderEntry:
    begin, end = stated["data_offsets"]
    entry = HeaderEntry(name, stated["dtype"], tuple(stated["shape"]), start + begin, start + end)
    width = _WIDTHS.get(entry.dtype)
    if width is not None and end - begin != math.prod(entry.shape) * width:
        detail = f"{end - begin} bytes for {list(entry.shape)} of {entry.dtype}"
        raise DamagedFileError(f"its header gives tensor '{name}' {detail}")
    return entry


def _check_gaps(entries: Sequence[HeaderEntry], start: int) -> None:
    for entry in entries:
        if entry.begin != start:
            raise DamagedFileError(f"its header puts tensor '{entry.name}' where the one before does not end")
        start = entry.end
