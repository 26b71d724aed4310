"""MLflow is told of a run while it goes on, from a thread, so that the video never waits for it."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from s2v_runner.tracking.destination import Destination, Published, TrackingError
from s2v_runner.tracking.publisher import publish


@dataclass(frozen=True)
class Outcome:
    """What came of telling MLflow."""

    published: Published | None
    """The run as MLflow has it, as far as it got."""
    problem: str | None
    """Why MLflow does not have all of it."""


class RunReporter(Protocol):
    """Who is told that the folder of a run has changed."""

    def changed(self) -> None:
        """There is something new in the folder. Returns at once."""
        ...

    def close(self) -> Outcome:
        """The folder will not change any more."""
        ...


class NoReporter:
    """For runs that only their folder is to know of."""

    def changed(self) -> None:
        pass

    def close(self) -> Outcome:
        return Outcome(None, None)


class Reporter:
    """Publishes the folder of a run whenever it has changed.

    After a failure it is quiet until `close`, so that a dead server costs its seconds once. Nothing is raised, and
    a process that ends does not wait for it.
    """

    def __init__(self, folder: Path, destination: Destination) -> None:
        self._folder = folder
        self._destination = destination
        self._outcome = Outcome(None, None)
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def changed(self) -> None:
        """There is something new in the folder. Returns at once; several calls may become one publishing."""
        self._wake.set()

    def close(self) -> Outcome:
        """Publish what is still missing, waiting `patience` seconds at most."""
        self._closing = True
        self._wake.set()
        self._thread.join(self._destination.patience)
        if self._thread.is_alive():
            problem = f"has not taken it within {self._destination.patience:g} s"
            return Outcome(self._outcome.published, str(TrackingError(self._destination.address, problem, away=True)))
        return self._outcome

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            # Read before publishing: what changes from here on wakes this thread once more.
            closing = self._closing
            if closing or self._outcome.problem is None:
                self._publish()
            if closing:
                return

    def _publish(self) -> None:
        try:
            self._outcome = Outcome(publish(self._folder, self._destination), None)
        except Exception as error:
            # The video matters more than anything that can go wrong here.
            self._outcome = Outcome(self._outcome.published, str(error) or type(error).__name__)
