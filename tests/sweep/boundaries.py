"""A process that is sent a signal where it is about to write: at the n-th of all places."""

import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.truncate",
}
_TORN = b'{"torn'


@dataclass
class Boundary:
    """The places where something in a folder is about to change, counted until the one that is meant."""

    folder: Path
    place: int
    signal: signal.Signals
    is_torn: bool
    """Whether a part of what is to be written reaches the file first; then only files are counted."""

    def install(self) -> None:
        """From here on. A hook cannot be taken back, so this is for a process of its own."""
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = _changed_path(event, arguments)
        if path is None or not path.is_relative_to(self.folder) or (self.is_torn and event != "open"):
            return
        self.place -= 1
        if self.place == 0:
            if self.is_torn:
                _tear(path, arguments[2])
            # At once, also where a handler is to see it.
            signal.raise_signal(self.signal)


def _changed_path(event: str, arguments: tuple[Any, ...]) -> Path | None:
    """What is about to change, where that is a path."""
    if event == "open":
        writes = isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
        return Path(os.fsdecode(arguments[0])) if writes and not isinstance(arguments[0], int) else None
    if event not in _CHANGES:
        return None
    path = Path(os.fsdecode(arguments[0]))
    if not path.is_absolute():
        # Within a folder that is being removed, names are told by its descriptor.
        path = _path_of(arguments[-1]) / path
    changes_nothing = path.is_dir() if event == "os.mkdir" else not os.path.lexists(path)
    return None if changes_nothing else path


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def _tear(path: Path, flags: int) -> None:
    # A lock that is there already is not opened as one that is not.
    with suppress(FileExistsError):
        file = os.open(path, flags)
        os.write(file, _TORN)
        os.close(file)
