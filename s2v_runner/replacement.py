"""Files that are there whole or not at all, whenever the process that writes them is killed.

What is being written has a hidden name that is made of the file's own and is locked by its writer, so that whoever
writes the same file next takes over what a killed process left, and two processes never write it at once.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_SUFFIX = ".unfinished"
_LONGEST_NAME = 255


def unfinished_path(path: Path) -> Path:
    """What a file is called while it is written."""
    name = f".{path.name}{_SUFFIX}"
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}{_SUFFIX}"
    return path.with_name(name)


@contextmanager
def replacing(path: Path, unfinished: Path) -> Iterator[IO[bytes]]:
    """A file to write to, at `unfinished`, that takes the place of `path` when the block ends. Raises OSError.

    A block that raises leaves what was at `path`, and nothing else.
    """
    file = None
    try:
        file = _open_alone(unfinished)
        # What a killed process left may be longer.
        file.truncate()
        yield file
        file.flush()
        os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        if file is None:
            # An interruption can come between the making of the file and its being held here.
            _discard_leftover(unfinished)
        else:
            with suppress(OSError):
                unfinished.unlink()
        raise
    finally:
        if file is not None:
            # What could not be written before cannot be written now.
            with suppress(OSError):
                file.close()


@contextmanager
def guarded_by(path: Path) -> Iterator[None]:
    """While no other process is in such a block with the same path. A file is there meanwhile. Raises OSError."""
    file = _open_alone(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        file.close()


def discard_leftovers(folder: Path) -> None:
    """Remove the files that killed processes were writing in this folder; what is being written stays."""
    for path in folder.glob(f".*{_SUFFIX}"):
        _discard_leftover(path)


def is_being_written(unfinished: Path) -> bool:
    """Whether a process is writing to this hidden file."""
    try:
        with unfinished.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _discard_leftover(path: Path) -> None:
    with suppress(OSError), path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(path, file):
            path.unlink()


def _open_alone(path: Path) -> IO[bytes]:
    """Open a file, made where it is not, once no other process has it open like this."""
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            _lock(file)
            if _is_at(path, file):
                return file
        except BaseException:
            file.close()
            raise
        # The process before has put it in its place, or removed it.
        file.close()


def _lock(file: IO[bytes]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        # On some file systems of clusters there are no locks: only two that write the same at once are not kept apart.
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP):
            raise


def _is_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
