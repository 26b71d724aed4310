"""Crews, started here or in the processes that a launcher started."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from s2v_runner.parallel.crew import LocalMembers, Members, watch
from s2v_runner.parallel.orders import Job, Orders, Traces
from s2v_runner.parallel.topology import Topology
from s2v_runner.placement.gpus import list_gpus, visible_names
from s2v_runner.placement.processes import Processes, launched_processes


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A crew that is to be."""

    topology: Topology
    patience: float
    device: str
    """What memory.device says."""
    job: Job
    speaks: bool
    """Whether what the first process prints is for the person."""
    takes_turns: bool
    """Whether its processes read a checkpoint only while no other process of their machine does."""


class Starter(Protocol):
    """Where crews come from."""

    def start(self, wanted: Wanted, folder: Path) -> Members:
        """All processes of a crew, which leave their traces in the folder."""
        ...


@dataclass(frozen=True)
class StarterHere:
    """On this machine, on some of its GPUs."""

    gpus: tuple[str, ...]
    """As CUDA knows them; none for crews on the CPU."""
    crews: int
    """That share this machine's CPU."""

    def start(self, wanted: Wanted, folder: Path) -> Members:
        processes = wanted.topology.processes
        threads = None if self.gpus else threads_for(processes * self.crews)
        orders = [
            replace(order, threads=threads)
            for order in make_orders(wanted, (folder / "rendezvous").as_uri(), bool(self.gpus), folder)
        ]
        gpus: Sequence[str | None] = self.gpus[:processes] if self.gpus else [None] * processes
        assert len(gpus) == processes
        return LocalMembers(orders, gpus)


StarterFor = Callable[[str], Starter]
"""Where crews come from that work on the device which memory.device says."""


@contextmanager
def crews_from(processes: Processes) -> Iterator[StarterFor]:
    """Crews in the processes that were launched with this one, the first, or on this machine where none were.

    The others attend until the end of this.
    """
    if processes.count == 1:
        yield starter_here
        return
    from s2v_runner.parallel.launched import LaunchedStarter

    starter = LaunchedStarter(processes)
    try:
        yield lambda _: starter
    finally:
        starter.close()


def starter_here(device: str) -> Starter:
    """One crew at a time, on this machine."""
    return StarterHere(gpus_here(device), crews=1)


def attend_launched() -> int:
    """What a launched process that is not the first does; its exit status."""
    from s2v_runner.parallel.launched import attend

    return attend(launched_processes())


def do_with_crew(wanted: Wanted, starter: Starter) -> object:
    """Have a crew do its job; what came of it. Raises as `watch` does."""
    with traces_folder() as folder:
        members = starter.start(wanted, folder)
        return watch(members, Traces(folder, rank=0), wanted.patience)


def make_orders(wanted: Wanted, address: str, on_gpu: bool, folder: Path) -> list[Orders]:
    """For every process of the crew. How many threads it takes is said by who starts it."""
    processes = wanted.topology.processes
    orders = Orders(
        rank=0,
        topology=wanted.topology,
        address=address,
        on_gpu=on_gpu,
        threads=None,
        patience=wanted.patience,
        job=wanted.job,
        speaks=wanted.speaks,
        takes_turns=wanted.takes_turns,
        folder=folder,
    )
    return [orders, *(replace(orders, rank=rank, job=None) for rank in range(1, processes))]


def threads_for(processes: int) -> int | None:
    """For each of so many processes that compute on this CPU together; None where there is one, or the user says."""
    if processes == 1 or "OMP_NUM_THREADS" in os.environ:
        return None
    return max(1, len(os.sched_getaffinity(0)) // processes)


def gpus_here(device: str) -> tuple[str, ...]:
    """The GPUs that a crew may have here, as CUDA knows them; none where it is to compute on the CPU."""
    if device == "cpu":
        return ()
    count = len(list_gpus())
    return tuple(visible_names() or map(str, range(count)))[:count]


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


@contextmanager
def traces_folder() -> Iterator[Path]:
    """A folder for what processes leave behind, as long as somebody reads it."""
    folder = Path(tempfile.mkdtemp(prefix="s2v_runner_"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
