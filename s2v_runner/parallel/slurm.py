"""Workers that are jobs of Slurm, by submitit: each makes a chunk of the points."""

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2v_runner.config.schema import ParallelConfig
from s2v_runner.errors import GenerationError, InputError
from s2v_runner.parallel.elsewhere import Errand
from s2v_runner.parallel.jobs import Badge, read_badge
from s2v_runner.parallel.topology import AUTO
from s2v_runner.parallel.workers import Ended, Manner, Worker

if TYPE_CHECKING:
    from submitit import AutoExecutor, Job

_FOLDER = "jobs"
_NAME = "s2v_runner"
# Slurm's accounts are asked so often after jobs that have left no result.
_SECONDS_BETWEEN_QUERIES = 30.0
_LAST_LINES = 5


def check_slurm(parallel: ParallelConfig) -> None:
    """Raises InputError where jobs cannot be submitted from here."""
    try:
        import submitit
    except ImportError as error:
        raise InputError("parallel=slurm", "submitit is not installed", "pip install 's2v-runner[slurm]'") from error
    _read_more(parallel)
    if parallel.slurm_executor == "slurm" and submitit.SlurmExecutor.affinity() < 0:
        raise InputError(
            "parallel=slurm", "there is no Slurm here (no `srun`)", "Start it on a login node of a cluster"
        )


class SlurmForce:
    """Jobs for chunks of points."""

    def __init__(self, manner: Manner, parallel: ParallelConfig) -> None:
        self._manner = manner
        self._parallel = parallel
        self._folder = manner.assignment.sweep.folder / _FOLDER
        self._most = None if parallel.workers == AUTO else parallel.workers
        self._needs_gpus = manner.device != "cpu"

    def recruit(self, present: Sequence[Worker], points: Sequence[int]) -> Iterator[Worker]:
        assigned = {number for worker in present if isinstance(worker, SlurmWorker) for number in worker.numbers}
        waiting = [number for number in points if number not in assigned]
        size = self._parallel.points_per_job
        chunks = [waiting[begin : begin + size] for begin in range(0, len(waiting), size)]
        for chunk in chunks if self._most is None else chunks[: max(0, self._most - len(present))]:
            yield self._submit(chunk)

    def give_up(self, worker: Worker) -> None:
        """The next is sent to wherever Slurm finds room: that one broke is known of the job, not of the machine."""

    def _submit(self, chunk: Sequence[int]) -> "SlurmWorker":
        badge = self._folder / f"{uuid.uuid4().hex[:12]}.badge.json"
        errand = Errand(
            wanted=self._manner.wanted(chunk, badge),
            needs_gpus=self._needs_gpus,
            shared=self._manner.assignment.sweep.folder,
        )
        try:
            job = self._executor.submit(errand)
        except Exception as error:
            # sbatch says in its own words what it does not like.
            raise GenerationError(f"Slurm did not take a job: {error}") from error
        return SlurmWorker(job, chunk, badge)

    @cached_property
    def _executor(self) -> "AutoExecutor":
        import submitit

        parallel = self._parallel
        self._folder.mkdir(parents=True, exist_ok=True)
        executor = submitit.AutoExecutor(self._folder, cluster=parallel.slurm_executor)
        settings: dict[str, Any] = {"name": _NAME, "nodes": 1, "tasks_per_node": 1}
        settings["timeout_min"] = parallel.slurm_minutes
        if self._needs_gpus:
            settings["gpus_per_node"] = self._manner.topology.processes
        if parallel.slurm_cpus is not None:
            settings["cpus_per_task"] = parallel.slurm_cpus
        if parallel.slurm_partition is not None:
            settings["slurm_partition"] = parallel.slurm_partition
        if more := _read_more(parallel):
            settings["slurm_additional_parameters"] = more
        executor.update_parameters(**settings)
        return executor


class SlurmWorker:
    """One job."""

    def __init__(self, job: "Job[Ended]", numbers: Sequence[int], badge: Path) -> None:
        self.name = f"job {job.job_id}"
        self.numbers = tuple(numbers)
        self._job = job
        self._badge = badge
        self._asked_at = time.monotonic()

    @property
    def badge(self) -> Badge | None:
        return read_badge(self._badge)

    def look(self) -> Ended | None:
        if not self._is_done():
            return None
        self._badge.unlink(missing_ok=True)
        if not self._job.paths.result_pickle.exists():
            return Ended(None, f"it ended without a result ({self._job.state}){self._last_lines()}")
        try:
            return self._job.result()
        except Exception as error:
            return Ended(None, f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}")

    def stop(self) -> None:
        self._job.cancel(check=False)

    def kill(self) -> None:
        if not self._is_done():
            self._job.cancel(check=False)

    def _is_done(self) -> bool:
        # Files of other machines are seen once their folder is looked into.
        os.listdir(self._job.paths.folder)  # noqa: PTH208
        if self._job.paths.result_pickle.exists():
            return True
        is_time = time.monotonic() - self._asked_at > _SECONDS_BETWEEN_QUERIES
        if is_time:
            self._asked_at = time.monotonic()
        return self._job.done(force_check=is_time)

    def _last_lines(self) -> str:
        try:
            lines = (self._job.stderr() or "").strip().splitlines()
        except OSError:
            return ""
        return ": " + " / ".join(lines[-_LAST_LINES:]) if lines else ""


def _read_more(parallel: ParallelConfig) -> dict[str, str]:
    """Options of sbatch, from `account=me qos=high`. Raises InputError."""
    more = {}
    for word in (parallel.slurm_more or "").split():
        name, equals, value = word.partition("=")
        if not (name and equals and value):
            raise InputError(
                f"parallel.slurm_more={parallel.slurm_more}",
                f"'{word}' is no option with a value",
                "Give options of sbatch as name=value, with spaces between",
            )
        more[name.lstrip("-")] = value
    return more
