"""How a process gets on, in memory that it shares with whoever watches it."""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NUMBERS = struct.Struct("<QQQ")


@dataclass(frozen=True)
class Beat:
    """What a process has done so far."""

    progress: int
    """Grows with everything that it gets done."""
    meetings: int
    """How often it came to where it waits for others, since it was last at work."""
    is_at_work: bool
    """Whether it is expected to get on; else it waits to be told something."""


class Pulse:
    """The process's own end of it. Writing costs less than a microsecond."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_NUMBERS.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _NUMBERS.size)
        self._beat = Beat(0, 0, False)

    def advance(self) -> None:
        """Something is done."""
        self._write(Beat(self._beat.progress + 1, self._beat.meetings, self._beat.is_at_work))

    def meet(self) -> None:
        """It is about to wait for others."""
        self._write(Beat(self._beat.progress + 1, self._beat.meetings + 1, self._beat.is_at_work))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While it is expected to get on."""
        self._write(Beat(self._beat.progress + 1, 0, True))
        try:
            yield
        finally:
            self._write(Beat(self._beat.progress + 1, self._beat.meetings, False))

    def _write(self, beat: Beat) -> None:
        self._beat = beat
        _NUMBERS.pack_into(self._memory, 0, beat.progress, beat.meetings, beat.is_at_work)


def read_pulse(path: Path) -> Beat:
    """How the process of that file gets on; one that has not begun has done nothing."""
    try:
        progress, meetings, is_at_work = _NUMBERS.unpack(path.read_bytes())
    except (OSError, struct.error):
        return Beat(0, 0, False)
    return Beat(progress, meetings, bool(is_at_work))
