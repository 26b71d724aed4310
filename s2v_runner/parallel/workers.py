"""Workers: each makes points of a sweep, one after the other, wherever it is. Nothing heavy is imported."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from s2v_runner.interruption import Interrupted
from s2v_runner.parallel.crew import CrewError, Watch
from s2v_runner.parallel.jobs import Badge, Share, SweepJob, read_badge
from s2v_runner.parallel.orders import Traces
from s2v_runner.parallel.starting import Starter, Wanted
from s2v_runner.parallel.topology import Topology
from s2v_runner.sweep.work import Assignment


@dataclass(frozen=True)
class Ended:
    """How a worker ended."""

    share: Share | None
    """What it had to say; None where it could say nothing."""
    reason: str | None
    """Why it ended before its time, and which of its processes; None where it did not."""


class Worker(Protocol):
    """A crew that makes points."""

    @property
    def name(self) -> str:
        """What it is called: by its GPU, mostly."""
        ...

    @property
    def badge(self) -> Badge | None:
        """Which process it is in the records of its points; None before it has said so."""
        ...

    def look(self) -> Ended | None:
        """How it ended; None while it is at work. Raises what it raised for a user to mend."""
        ...

    def stop(self) -> None:
        """Ask it to come to an end, its records closed."""
        ...

    def kill(self) -> None:
        """End what is left of it, and let go of everything it held."""
        ...


class Workforce(Protocol):
    """Where workers come from."""

    def recruit(self, present: Sequence[Worker], points: Sequence[int]) -> Iterator[Worker]:
        """New workers beside those that are there, for points of these numbers, which are still to be made."""
        ...

    def give_up(self, worker: Worker) -> None:
        """Where this one was, none can work: it broke before it began a point, and so did the one before."""
        ...


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How workers of a sweep work, wherever they are."""

    assignment: Assignment
    topology: Topology
    patience: float
    device: str
    """What memory.device says."""

    def wanted(self, points: Sequence[int], badge: Path) -> Wanted:
        """A crew for points of these numbers."""
        return Wanted(
            topology=self.topology,
            patience=self.patience,
            device=self.device,
            job=SweepJob(assignment=self.assignment, numbers=tuple(points), badge=badge),
            speaks=False,
            # Processes that share out weights read different rows at the same time, and wait for each other.
            takes_turns=not self.topology.shares_weights,
        )

    @property
    def numbers(self) -> list[int]:
        """Of all points."""
        return [point.definition.number for point in self.assignment.sweep.points]


class CrewWorker:
    """A crew that this process starts and watches."""

    def __init__(self, name: str, manner: Manner, points: Sequence[int], starter: Starter) -> None:
        self.name = name
        self._folder = Path(tempfile.mkdtemp(prefix="s2v_runner_"))
        self._badge = self._folder / "badge.json"
        self._members = starter.start(manner.wanted(points, self._badge), self._folder)
        self._watch = Watch(self._members, Traces(self._folder, rank=0), manner.patience)

    @property
    def badge(self) -> Badge | None:
        return read_badge(self._badge)

    def look(self) -> Ended | None:
        try:
            outcome = self._watch.look()
        except CrewError as error:
            return Ended(None, str(error))
        if outcome is None:
            return None
        if isinstance(outcome.result, Interrupted):
            # By somebody else than who watches it.
            return Ended(None, f"the process was stopped by {outcome.result.name}")
        share = outcome.unwrap()
        assert isinstance(share, Share)
        return Ended(share, None)

    def stop(self) -> None:
        self._members.stop()

    def kill(self) -> None:
        self._members.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class WorkersHere:
    """Several workers of this machine, each in a place of its own."""

    def __init__(self, manner: Manner, places: Mapping[str, Starter]) -> None:
        """`places`: by the name of a worker, where its processes come from."""
        self._manner = manner
        self._places = dict(places)

    def recruit(self, present: Sequence[Worker], points: Sequence[int]) -> Iterator[Worker]:
        taken = {worker.name for worker in present}
        free = [name for name in self._places if name not in taken]
        for name in free[: max(0, len(points) - len(present))]:
            yield CrewWorker(name, self._manner, self._manner.numbers, self._places[name])

    def give_up(self, worker: Worker) -> None:
        del self._places[worker.name]


class OneCrew:
    """One worker, of as many processes as make one video."""

    def __init__(self, manner: Manner, starter: Starter) -> None:
        self._manner = manner
        self._starter = starter

    def recruit(self, present: Sequence[Worker], points: Sequence[int]) -> Iterator[Worker]:
        if points and not present:
            name = f"{self._manner.topology.processes} processes"
            yield CrewWorker(name, self._manner, self._manner.numbers, self._starter)

    def give_up(self, worker: Worker) -> None:
        raise AssertionError("there is no other")
