"""Hashes by which inputs and checkpoints are known, whatever they are called and wherever they lie."""

import hashlib
import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from s2v_runner.checkpoint.layout import CheckpointFolder

_BLOCK = 1 << 16
_SAMPLES = 8
_FILES_KNOWN = 1024
_SAFETENSORS = ".safetensors"
_LONGEST_HEADER = 100_000_000
"""What the format allows; a damaged file may claim any length."""


def digest_of(value: Mapping[str, Any]) -> str:
    """SHA-256 of a JSON value, the same whatever the order of its keys."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_input(path: Path) -> str:
    """SHA-256 of the content of a file that nobody here writes, read anew when its size or its time has changed."""
    state = path.stat()
    return _digest_content(path, state.st_size, state.st_mtime_ns)


def digest_checkpoint(folder: CheckpointFolder) -> str:
    """A hash that tells checkpoints apart in milliseconds, and never reads 58 GB.

    It covers each file's name, size, safetensors header and a few blocks spread evenly over it: enough for other
    weights, another precision or a file cut short, not for single values changed by hand.
    """
    files: dict[str, Path] = {}
    for part in folder.parts.values():
        companions = [path for path in (part.config, *part.others.values()) if path is not None and path.is_file()]
        files |= {folder.relative(path): path for path in (*part.weights, *companions)}
    return digest_files(files)


def digest_files(files: Mapping[str, Path]) -> str:
    """A hash of files by names of their own, each looked into as `digest_checkpoint` says."""
    return digest_of({name: _sample(path) for name, path in files.items()})


# The points of a sweep ask for the same few files again and again.
@lru_cache(maxsize=_FILES_KNOWN)
def _digest_content(path: Path, _size: int, _time: int) -> str:
    return digest_file(path)


def _sample(path: Path) -> str:
    state = path.stat()
    return _sample_content(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=_FILES_KNOWN)
def _sample_content(path: Path, size: int, _time: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if path.suffix == _SAFETENSORS and size >= 8:
            (length,) = struct.unpack("<Q", file.read(8))
            digest.update(file.read(min(length, _LONGEST_HEADER)))
        for index in range(_SAMPLES):
            file.seek(max(0, size - _BLOCK) * index // (_SAMPLES - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()
