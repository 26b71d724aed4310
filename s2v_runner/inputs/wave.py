"""WAV files of float32, written as their samples come."""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from s2v_runner.errors import OutputError
from s2v_runner.replacement import replacing, unfinished_path

MOST_BYTES = 2**32 - 100
"""Of samples in one file, which counts its bytes in 32 bits, its header included."""
SAMPLE_BYTES = 4

_IEEE_FLOAT = 3


def write_wave(target: Path, blocks: Iterable[np.ndarray], rate: int, channels: int, frames: int) -> None:
    """Write blocks [samples, channels] that are `frames` samples long together. The same samples give the same bytes.

    The file is there whole or not at all. Raises OutputError.
    """
    try:
        with replacing(target, unfinished_path(target)) as file:
            _write_header(file, rate, channels, frames)
            for block in blocks:
                file.write(np.ascontiguousarray(block, "<f4").tobytes())
    except OSError as error:
        raise OutputError(target, error) from error


def _write_header(file: IO[bytes], rate: int, channels: int, frames: int) -> None:
    # By hand: libsndfile puts the time of day into files of floats.
    width = channels * SAMPLE_BYTES
    about = struct.pack("<HHIIHHH", _IEEE_FLOAT, channels, rate, rate * width, width, 8 * SAMPLE_BYTES, 0)
    chunks = _chunk(b"fmt ", about) + _chunk(b"fact", struct.pack("<I", frames))
    size = frames * width
    file.write(b"RIFF" + struct.pack("<I", len(b"WAVE") + len(chunks) + len(b"data....") + size) + b"WAVE" + chunks)
    file.write(b"data" + struct.pack("<I", size))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content
