"""A guided step by processes that share it, on GPUs of one machine, or on a CPU to try the benchmark."""

import argparse
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn

import torch

from benchmarks.arguments import choose_dtype
from benchmarks.clips import ClipCase, draw_conditioning, draw_latents
from benchmarks.distances import relative_distance
from benchmarks.machine import timed
from benchmarks.report import Row
from benchmarks.variants import Variant, with_sequence
from s2v_runner.errors import InputError
from s2v_runner.parallel.branches import SharedBranches
from s2v_runner.parallel.group import Group, Rendezvous, joined
from s2v_runner.parallel.sequence import SharedSequence
from s2v_runner.records import Pass
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, Branches, guided_velocity
from s2v_runner.transformer import WHOLE_SEQUENCE, Sequence, TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer

_TIMESTEP = 500.0
_GUIDANCE = 4.5
_PATIENCE = 600.0
_GUIDED: tuple[Pass, ...] = ("guided",) * 1000


@dataclass(frozen=True)
class Task:
    config: TransformerConfig
    variant: Variant
    cases: tuple[ClipCase, ...]
    dtype: torch.dtype
    device: str
    repeats: int


class Watchless:
    """Nobody watches: what is lost is an error."""

    def meet(self) -> None:
        return None

    def lose(self, error: RuntimeError) -> NoReturn:
        raise error


def measure_shared_steps(
    config: TransformerConfig, variant: Variant, cases: list[ClipCase], options: argparse.Namespace
) -> list[Row]:
    """Rows of every case and way, as the first process measured them. Raises InputError for too few GPUs."""
    size, device = options.processes, options.device
    if device.type == "cuda" and torch.cuda.device_count() < size:
        raise InputError(f"--processes {size}", f"there are {torch.cuda.device_count()} GPUs", "Give fewer")
    if config.num_heads % size:
        raise InputError(f"--processes {size}", f"{config.num_heads} heads do not divide among them", "Give others")
    task = Task(config, variant, tuple(cases), choose_dtype(options.dtype, device), device.type, options.repeats)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        address = (Path(folder) / "rendezvous").as_uri()
        reading, writing = context.Pipe(duplex=False)
        processes = [
            context.Process(target=_take_part, args=(Rendezvous(rank, size, address), task, writing), daemon=True)
            for rank in range(size)
        ]
        for process in processes:
            process.start()
        writing.close()
        try:
            return reading.recv()
        except EOFError as error:
            raise InputError("scaling", "a process has failed, as it says above", "Mend that, and try again") from error
        finally:
            for process in processes:
                process.join(timeout=5)
                process.kill()


@torch.no_grad()
def _take_part(rendezvous: Rendezvous, task: Task, writing: Connection) -> None:
    device = torch.device(task.device, rendezvous.rank) if task.device == "cuda" else torch.device(task.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
    with joined(rendezvous, device, _PATIENCE, Watchless()) as group:
        rows = [row for case in task.cases for row in _measure_case(group, task, case)]
        if group.rank == 0:
            writing.send(rows)


def _measure_case(group: Group, task: Task, case: ClipCase) -> list[Row]:
    device = group.device
    plain = task.variant.build(random_transformer(task.config, plain_backend("sdpa"), device, task.dtype, seed=0))
    conditioning, latents = draw_conditioning(task.config, case, device), draw_latents(task.config, case, device)
    timestep = torch.tensor([_TIMESTEP], device=device)

    def begin(sequence: Sequence, branches: Branches) -> Callable[[], torch.Tensor]:
        model = with_sequence(plain, task.variant.backend(device, task.dtype), sequence)
        negative = conditioning.text_BTC.flip(1)
        velocity = guided_velocity(model, conditioning, negative, _GUIDANCE, _GUIDED, branches)
        return lambda: velocity(latents, timestep)

    calls = {name: begin(*how) for name, how in _ways(group).items()}
    answers = {name: call() for name, call in calls.items()}
    seconds: Mapping[str, list[float]] = {name: [] for name in calls}
    for _ in range(task.repeats):
        for name, call in calls.items():
            # All begin together, so that nobody's waiting is measured.
            group.everyone.gather(torch.zeros(1, device=device), [1] * group.size)
            seconds[name].append(timed(device, call)[0])
    one = statistics.median(seconds["one process"])
    return [
        Row(
            {
                **case.labels,
                "variant": str(task.variant),
                "way": name,
                "processes": 1 if name == "one process" else group.size,
            },
            {
                "step_seconds": statistics.median(taken),
                "times_one": one / statistics.median(taken),
                "difference": relative_distance(answers[name], answers["one process"]),
            },
            {"step_seconds": taken},
        )
        for name, taken in seconds.items()
    ]


def _ways(group: Group) -> dict[str, tuple[Sequence, Branches]]:
    """All that so many processes can do. One alone goes on in all of them, each for itself."""
    ways: dict[str, tuple[Sequence, Branches]] = {
        "one process": (WHOLE_SEQUENCE, ONE_AFTER_THE_OTHER),
        "ulysses": (SharedSequence(group.everyone), ONE_AFTER_THE_OTHER),
    }
    half = group.size // 2
    if group.size % 2 == 0:
        sequence = group.wires([range(half), range(half, group.size)])
        branches = SharedBranches(group.wires([range(place, group.size, half) for place in range(half)]))
        if half == 1:
            ways["cfg"] = (WHOLE_SEQUENCE, branches)
        else:
            ways["cfg and ulysses"] = (SharedSequence(sequence), branches)
    return ways
