"""MLflow is told of runs that other processes make, one after the other, from a thread."""

import queue
import threading
import time
from pathlib import Path
from typing import Protocol

from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.publisher import publish

# After MLflow has not answered it is left alone for so long: what it has missed is sent at the end, or by `sync`.
_SECONDS_OF_SILENCE = 60.0


class Followers(Protocol):
    """Who is told of runs once they have ended."""

    def ended(self, folder: Path) -> None:
        """The run in this folder has ended. Returns at once."""
        ...

    def problem(self) -> str | None:
        """Why not all could be told so far."""
        ...

    def close(self) -> None:
        """There will be no other. Waits for those that were named, but not for long."""
        ...


class NoFollowers:
    """For runs that only their folders are to know of."""

    def ended(self, folder: Path) -> None:
        pass

    def problem(self) -> str | None:
        return None

    def close(self) -> None:
        pass


class Publishing:
    """Publishes each run that has ended. Nothing is raised, and a process that ends does not wait for it."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._ended: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
        self._problem: str | None = None
        self._silent_until = 0.0
        self._thread = threading.Thread(target=self._work, name="mlflow-points", daemon=True)
        self._thread.start()

    def ended(self, folder: Path) -> None:
        self._ended.put(folder)

    def problem(self) -> str | None:
        return self._problem

    def close(self) -> None:
        self._ended.put(None)
        self._thread.join(self._destination.patience)

    def _work(self) -> None:
        while (folder := self._ended.get()) is not None:
            if time.monotonic() >= self._silent_until:
                self._publish(folder)

    def _publish(self, folder: Path) -> None:
        try:
            publish(folder, self._destination)
        except Exception as error:
            # The videos matter more than anything that can go wrong here.
            self._problem = str(error) or type(error).__name__
            self._silent_until = time.monotonic() + _SECONDS_OF_SILENCE


def make_followers(destination: Destination | None) -> Followers:
    """Those of this destination; nobody where there is none."""
    return NoFollowers() if destination is None else Publishing(destination)
