"""Commands that start processes of their own, and a look at these."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 120.0
_MEMBER = "s2v_runner.parallel.member"


@dataclass(frozen=True)
class Command:
    """A command line at work, as a user starts it."""

    process: subprocess.Popen[str]

    def members(self) -> dict[int, int]:
        """The processes of its crew by rank."""
        found = {}
        for line in _command_lines():
            pid, words = line
            if _MEMBER in words and self._is_ours(pid):
                found[int(Path(words[-1]).stem.rpartition("-")[2])] = pid
        return found

    def all_members(self) -> list[int]:
        """The processes of all its crews."""
        return [pid for pid, words in _command_lines() if _MEMBER in words and self._is_ours(pid)]

    def wait_until(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + _PATIENCE
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended:\n{self.end()[1]}")
            assert time.monotonic() < until, "it did not come to pass"
            time.sleep(0.05)

    def end(self) -> tuple[int, str]:
        """Its exit status, and all that it printed."""
        output, _ = self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode, output

    def _is_ours(self, pid: int) -> bool:
        while pid > 1:
            if pid == self.process.pid:
                return True
            pid = _parent(pid)
        return False


@contextmanager
def started(folder: Path, *words: str, **environment: str) -> Iterator[Command]:
    """A command in a folder. It and what it started are gone at the end."""
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    command = Command(process)
    members: list[int] = []
    try:
        yield command
        members = command.all_members()
    finally:
        process.kill()
        process.communicate()
        for pid in members:
            os.kill(pid, signal.SIGKILL)


def runner(*words: str) -> tuple[str, ...]:
    """`python -m s2v_runner`, with these words behind it."""
    return (sys.executable, "-m", "s2v_runner", *words)


def is_there(pid: int) -> bool:
    return any(found == pid for found, _ in _command_lines())


def _command_lines() -> Iterator[tuple[int, list[str]]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            continue
        if words:
            yield int(path.parent.name), words


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
