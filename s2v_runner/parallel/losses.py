"""Points whose makers have gone without a word: their records are closed by whoever watches."""

import time
from collections.abc import Callable
from pathlib import Path

from s2v_runner.errors import InputError
from s2v_runner.parallel.jobs import Badge
from s2v_runner.tracking.folder import hold
from s2v_runner.tracking.record import Record, Status, read_record
from s2v_runner.tracking.recorder import close_lost

_MOST = 2
"""So many makers that a point may lose before it is taken to be the point's fault."""

# In which a maker that has gone is found to have gone. After that it is there, and could not close the record.
_SECONDS_TO_BE_FOUND_OUT = 60.0
LEFT_OPEN = "its process went on without having closed the record"

ReasonFor = Callable[[Badge], str | None]
"""Why the maker with this badge has gone; None where that is still to be found out."""


class Losses:
    """Counts for each point how many of its makers have gone."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._unexplained: dict[tuple[int, str], float] = {}
        """When a point was first seen to have nobody at it, by its number and the beginning of the attempt."""

    def close(self, number: int, folder: Path, reason_for: ReasonFor) -> Record | None:
        """Close the record of a point that is said to be made while nobody is at it; the record as it is then.

        The first time the point stands as stopped, and is taken up; after that it has failed. None where somebody is
        at it, or where the reason is not known yet. Raises InputError and OutputError.
        """
        lock = hold(folder)
        if lock is None:
            return None
        try:
            # Read once it is held: it may have been closed, or taken up by another, until then.
            attempt = read_record(folder).attempts[-1]
            reason = reason_for(Badge(attempt.host, attempt.process)) or self._left_open(number, attempt.started)
            if attempt.status != "RUNNING" or reason is None:
                return None
            count = self._counts[number] = self._counts.get(number, 0) + 1
            status: Status = "FAILED" if count >= _MOST else "KILLED"
            return close_lost(folder, status, reason)
        except InputError:
            # As good as none: it is made anew.
            return None
        finally:
            lock.release()

    def _left_open(self, number: int, started: str) -> str | None:
        since = self._unexplained.setdefault((number, started), time.monotonic())
        return LEFT_OPEN if time.monotonic() - since > _SECONDS_TO_BE_FOUND_OUT else None

    def forget(self) -> None:
        """What was lost before this sweep was begun was not lost in it."""
        self._counts.clear()
