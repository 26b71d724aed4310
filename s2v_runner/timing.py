"""Where the time goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds by stage. A stage inside another stops the other's clock, so that no second counts twice."""

    def __init__(self) -> None:
        self.settle: Callable[[], None] = lambda: None
        """Waits until the device has done what it was told, so that a stage is charged for its own work."""
        self.on_end: Callable[[str, float], None] = lambda name, seconds: None
        """Told the stage and its seconds when it is left, stages inside it not counted."""
        self._seconds: dict[str, float] = {}
        self._open: list[str] = []
        self._since = self._lapped = time.perf_counter()

    @property
    def seconds(self) -> dict[str, float]:
        return dict(self._seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Charge what is done inside to a stage; it may be entered any number of times."""
        self._charge()
        self._open.append(name)
        self._lapped = self._since
        before = self._seconds.get(name, 0.0)
        try:
            yield
            self.settle()
        finally:
            self._charge()
            self._open.pop()
        self.on_end(name, self._seconds[name] - before)

    def lap(self) -> float:
        """Seconds since the last lap, or since the latest stage began."""
        now = time.perf_counter()
        seconds, self._lapped = now - self._lapped, now
        return seconds

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._open:
            name = self._open[-1]
            self._seconds[name] = self._seconds.get(name, 0.0) + now - self._since
        self._since = now
