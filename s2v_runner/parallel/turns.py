"""Large files are read by one process of a machine at a time: many at once read slower than one after the other."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from s2v_runner.digests import digest_of

_SECONDS_BETWEEN_SIGNS = 1.0


class ReadingTurns:
    """Turns at the files of a checkpoint, among all processes of a user on this machine."""

    def __init__(self, advance: Callable[[], None]) -> None:
        """`advance` is told while a turn is waited for: whoever watches this process knows that it does not hang."""
        self._advance = advance

    @contextmanager
    def __call__(self, digest: str) -> Iterator[None]:
        """While no other process reads the checkpoint of this digest."""
        name = f"s2v_runner_{digest_of({'digest': digest, 'user': os.getuid()})[:16]}.lock"
        lock = FileLock(Path(tempfile.gettempdir()) / name)
        while True:
            try:
                lock.acquire(timeout=_SECONDS_BETWEEN_SIGNS)
                break
            except Timeout:
                self._advance()
        try:
            yield
        finally:
            lock.release()
