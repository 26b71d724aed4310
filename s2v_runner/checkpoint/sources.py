"""The bytes that tensors are read from: a file, or what PyTorch has mapped of one."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from s2v_runner.checkpoint.headers import DamagedFileError

Span = tuple[memoryview, int]
"""Memory to be filled, and where in the source its bytes begin."""


class Source(Protocol):
    """Bytes that several threads may read at once."""

    def read(self, spans: Sequence[Span]) -> None:
        """Fill every span. Raises DamagedFileError or OSError where there are not so many bytes."""
        ...


class FileSource:
    """The bytes of a file, as it is when they are read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, spans: Sequence[Span]) -> None:
        with self._path.open("rb", buffering=0) as file:
            for memory, offset in spans:
                file.seek(offset)
                done = 0
                while done < len(memory):
                    count = file.readinto(memory[done:])
                    if not count:
                        raise DamagedFileError(f"it ends after {offset + done} bytes and its header promises more")
                    done += count


class TensorSource:
    """The bytes of tensors in main memory, such as windows onto a file, as if they lay one after another."""

    def __init__(self, tensors: Iterable[torch.Tensor]) -> None:
        self._contents = [tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy() for tensor in tensors]
        self._ends = list(accumulate(len(content) for content in self._contents))

    def read(self, spans: Sequence[Span]) -> None:
        for memory, offset in spans:
            target = np.frombuffer(memory, dtype=np.uint8)
            index = bisect_right(self._ends, offset)
            start = offset - (self._ends[index] - len(self._contents[index]))
            # Copying lets other threads go on, and a window onto a file is read by it.
            np.copyto(target, self._contents[index][start : start + len(target)])
