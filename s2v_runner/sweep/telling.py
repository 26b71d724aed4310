"""Who is told of a point while it is made."""

import time
from typing import Protocol

from s2v_runner.describe import destination_of
from s2v_runner.sweep.preparation import PreparedPoint
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.reporter import Outcome

# After MLflow has not answered, the next points leave it alone for so long: `sync` sends what it has missed.
SECONDS_OF_SILENCE = 60.0


class Telling(Protocol):
    """Decides who is told."""

    def destination(self, point: PreparedPoint) -> Destination | None:
        """Where a point that begins is published, if anywhere."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """What came of telling it of a point."""
        ...


class TellTracker:
    """Tells MLflow, where the configuration has it."""

    def __init__(self) -> None:
        self._silent_until = 0.0

    def destination(self, point: PreparedPoint) -> Destination | None:
        return None if time.monotonic() < self._silent_until else destination_of(point.composed.config)

    def ended(self, outcome: Outcome) -> None:
        if outcome.problem is not None:
            self._silent_until = time.monotonic() + SECONDS_OF_SILENCE


class TellNobody:
    """Leaves it to another process."""

    def destination(self, point: PreparedPoint) -> Destination | None:
        return None

    def ended(self, outcome: Outcome) -> None:
        pass
