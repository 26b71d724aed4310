"""Workers that are actors of Ray, each of which starts a crew on the machine that Ray finds for it."""

import logging
import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from s2v_runner.config.schema import ParallelConfig
from s2v_runner.errors import InputError
from s2v_runner.parallel.elsewhere import Errand
from s2v_runner.parallel.jobs import Badge
from s2v_runner.parallel.topology import AUTO
from s2v_runner.parallel.workers import CrewWorker, Ended, Manner, Worker

_HOST_AND_PORT = re.compile(r"(ray://)?(?P<host>[^:/]+):(?P<port>\d{1,5})")
_SECONDS_TO_ANSWER = 5.0
_ON_A_CPU = 2
_SECONDS_TO_END = 10.0
_THREADS = "OMP_NUM_THREADS"


def check_ray(address: str | None) -> None:
    """Raises InputError where Ray is not installed, or nothing answers at the address."""
    try:
        import ray
    except ImportError as error:
        raise InputError("parallel=ray", "Ray is not installed", "pip install 's2v-runner[ray]'") from error
    assert ray is not None
    found = _HOST_AND_PORT.fullmatch(address or "")
    if found is None:
        return
    try:
        # Ray itself would try for minutes.
        socket.create_connection((found["host"], int(found["port"])), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise _no_answer(address, error) from error


def _no_answer(address: str | None, error: Exception) -> InputError:
    return InputError(
        f"parallel.address={address}",
        f"no Ray answers there ({str(error).splitlines()[0]})",
        "Give the address that `ray start --head` shows, or leave it out for a Ray on this machine",
    )


@contextmanager
def ray_force(manner: Manner, parallel: ParallelConfig, points: int) -> Iterator["RayForce"]:
    """Workers on a Ray that is there, or on one of this machine that ends with this.

    Raises InputError where no Ray answers, and for more workers than it has room for.
    """
    # Before it is imported: it reads them then.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    try:
        ray.init(
            address="local" if parallel.address is None else parallel.address,
            include_dashboard=None if parallel.address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_answer(parallel.address, error) from error
    try:
        yield RayForce(manner, _size(parallel, manner, points), _has_gpus(manner))
    finally:
        ray.shutdown()


class RayForce:
    """So many actors at a time."""

    def __init__(self, manner: Manner, size: int, on_gpus: bool) -> None:
        self._manner = manner
        self._size = size
        self._on_gpus = on_gpus
        self._begun = 0

    def recruit(self, present: Sequence[Worker], points: Sequence[int]) -> Iterator[Worker]:
        for _ in range(min(self._size, len(points)) - len(present)):
            self._begun += 1
            yield RayWorker(f"Ray worker {self._begun}", self._manner, self._on_gpus)

    def give_up(self, worker: Worker) -> None:
        self._size -= 1


class Station:
    """The actor: it starts a crew beside itself, and answers how that gets on. The crew ends with it."""

    def __init__(self, name: str, manner: Manner, on_gpus: bool, folder: Path, threads: str | None) -> None:
        os.chdir(folder)
        # Ray leaves one thread to each of its processes, unless they say otherwise.
        os.environ.pop(_THREADS, None)
        if threads is not None:
            os.environ[_THREADS] = threads
        shared = manner.assignment.sweep.folder
        errand = Errand(wanted=manner.wanted((), Path()), needs_gpus=on_gpus, shared=shared)
        self._problem = errand.problem()
        self._worker = None
        if self._problem is None:
            self._worker = CrewWorker(name, manner, manner.numbers, errand.starter())

    def look(self) -> tuple[Badge | None, Ended | None]:
        if self._worker is None:
            return None, Ended(None, self._problem)
        try:
            return self._worker.badge, self._worker.look()
        except Exception as error:
            return self._worker.badge, Ended(None, f"{type(error).__name__}: {error}")

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()

    def kill(self) -> None:
        if self._worker is not None:
            self._worker.kill()


class RayWorker:
    """An actor as the driver sees it."""

    def __init__(self, name: str, manner: Manner, on_gpus: bool) -> None:
        import ray

        self.name = name
        self.badge: Badge | None = None
        processes = manner.topology.processes
        room: dict[str, Any] = {"num_gpus": processes, "num_cpus": 0} if on_gpus else {"num_cpus": processes}
        actor: Any = ray.remote(Station).options(**room, max_restarts=0)
        self._actor = actor.remote(name, manner, on_gpus, Path.cwd(), os.environ.get(_THREADS))
        self._answer = None
        self._ended: Ended | None = None

    def look(self) -> Ended | None:
        import ray
        from ray.exceptions import RayError

        if self._ended is not None:
            return self._ended
        if self._answer is None:
            self._answer = self._actor.look.remote()
        ready, _ = ray.wait([self._answer], timeout=0)
        if not ready:
            # There is no room for it yet, or its machine has not been missed yet.
            return None
        try:
            badge, self._ended = ray.get(self._answer)
            self.badge = badge or self.badge
        except RayError as error:
            self._ended = Ended(None, f"Ray has lost it: {_first_line(error)}")
        self._answer = None
        return self._ended

    def stop(self) -> None:
        self._actor.stop.remote()

    def kill(self) -> None:
        import ray
        from ray.exceptions import RayError

        with suppress(RayError):
            ray.get(self._actor.kill.remote(), timeout=_SECONDS_TO_END if self.badge is not None else 0)
        with suppress(RayError):
            ray.kill(self._actor, no_restart=True)


def _size(parallel: ParallelConfig, manner: Manner, points: int) -> int:
    """How many workers there are to be."""
    processes = manner.topology.processes
    kind = "GPU" if _has_gpus(manner) else "CPU"
    there = _resource(kind)
    fitting = there // processes
    wanted = parallel.workers
    if fitting == 0 or (wanted != AUTO and wanted > fitting):
        raise InputError(
            f"parallel.workers={wanted}",
            f"each needs {processes} {kind}s of Ray's, which has {there}",
            f"Give parallel.workers={fitting}, or leave it out" if fitting else "Give a smaller parallel.ulysses_size",
        )
    fewest = fitting if kind == "GPU" else min(_ON_A_CPU, fitting)
    return min(fewest if wanted == AUTO else wanted, points)


def _has_gpus(manner: Manner) -> bool:
    return manner.device != "cpu" and _resource("GPU") > 0


def _resource(name: str) -> int:
    import ray

    return int(ray.cluster_resources().get(name, 0))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
