"""Whether processes that left their numbers behind are still there."""

import os
import socket
from datetime import datetime
from pathlib import Path

from s2v_runner.tracking.record import Attempt

# Records have whole seconds, and clocks are set.
_TOLERANCE = 5.0


def is_at_work(attempt: Attempt) -> bool:
    """Whether the process of an attempt that goes on is still there. Those of other machines are not seen from here.

    A process of the same number that began after the attempt is another one: in containers numbers come back.
    """
    if attempt.status != "RUNNING" or attempt.host != socket.gethostname() or not is_there(attempt.process):
        return False
    begun = _began_at(attempt.process)
    return begun is None or begun <= datetime.fromisoformat(attempt.started).timestamp() + _TOLERANCE


def is_there(process: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        # Somebody else's.
        return True
    try:
        # One that has ended keeps its number until its parent asks after it, which in a container may be never.
        return _facts_of(process)[0] not in ("Z", "X")
    except (OSError, IndexError):
        return True


def _began_at(process: int) -> float | None:
    """Seconds since the epoch when a process began; None where the system does not tell."""
    try:
        # The 20th is when it began, in ticks since the machine did.
        ticks = _facts_of(process)[19]
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(boot.split()[1]) + int(ticks) / os.sysconf("SC_CLK_TCK")
    except (OSError, StopIteration, IndexError, ValueError):
        return None


def _facts_of(process: int) -> list[str]:
    """What the system says of a process behind its name, which may hold anything. Raises OSError."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
