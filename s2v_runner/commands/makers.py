"""Who makes the points of a sweep, and who shows it to the person, by its configuration and this machine."""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from s2v_runner.config.schema import RunConfig
from s2v_runner.console.sweep import SweepWords
from s2v_runner.console.workers import WorkerLines, WorkerTable
from s2v_runner.execution import Session
from s2v_runner.parallel.driving import made_by
from s2v_runner.parallel.on_ray import check_ray, ray_force
from s2v_runner.parallel.places import check_device, place_workers
from s2v_runner.parallel.slurm import SlurmForce, check_slurm
from s2v_runner.parallel.starting import StarterFor, gpus_here
from s2v_runner.parallel.topology import Topology
from s2v_runner.parallel.workers import Manner, OneCrew, WorkersHere
from s2v_runner.sweep.preparation import PreparedSweep
from s2v_runner.sweep.states import PointState
from s2v_runner.sweep.work import Assignment, Listener, Make, OneAfterTheOther

ListenerFor = Callable[[PreparedSweep, Mapping[int, PointState]], Listener]


@dataclass(frozen=True)
class Makers:
    """Those of one sweep."""

    make: Make
    listener_for: ListenerFor
    words: str | None
    """What the plan says of them; None where this process does everything."""


def choose_makers(
    common: RunConfig, topology: Topology, points: int, session: Session, starter_for: StarterFor
) -> Makers:
    """For so many points, each made by the processes of `topology`. Raises InputError for what cannot be."""
    parallel, device = common.parallel, common.memory.device

    def manner(assignment: Assignment) -> Manner:
        return Manner(assignment=assignment, topology=topology, patience=parallel.patience, device=device)

    if parallel.spread == "gpus":
        places = place_workers(parallel, topology.processes, device, gpus_here(device), points)
        words = f"{len(places)} ({'; '.join(places)}), each of which loads for itself"
        return Makers(made_by(lambda assignment: nullcontext(WorkersHere(manner(assignment), places))), _watched, words)
    if parallel.spread == "ray":
        check_device(device)
        check_ray(parallel.address)
        where = "a Ray of this machine" if parallel.address is None else f"Ray at {parallel.address}"
        return Makers(made_by(lambda assignment: ray_force(manner(assignment), parallel, points)), _watched, where)
    if parallel.spread == "slurm":
        check_device(device)
        check_slurm(parallel)
        words = f"jobs of Slurm, {parallel.points_per_job} points each"
        return Makers(
            made_by(lambda assignment: nullcontext(SlurmForce(manner(assignment), parallel))), _watched, words
        )
    if topology.processes > 1:
        starter = starter_for(device)
        return Makers(made_by(lambda assignment: nullcontext(OneCrew(manner(assignment), starter))), _watched, None)
    return Makers(OneAfterTheOther(session), SweepWords, None)


def _watched(sweep: PreparedSweep, states: Mapping[int, PointState]) -> Listener:
    return WorkerTable(sweep, states) if sys.stderr.isatty() else WorkerLines(sweep, states)
