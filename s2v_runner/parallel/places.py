"""Where the workers of a sweep are: how many there can be on this machine, and which GPUs each has."""

from collections.abc import Sequence

from s2v_runner.config.schema import ParallelConfig
from s2v_runner.errors import InputError
from s2v_runner.parallel.starting import StarterHere
from s2v_runner.parallel.topology import AUTO

_ON_A_CPU = 2
"""Workers where there is no GPU: enough to see what it is like."""


def place_workers(
    parallel: ParallelConfig, processes: int, device: str, gpus: tuple[str, ...], points: int
) -> dict[str, StarterHere]:
    """Where the processes of each worker come from, by its name, which says what it has.

    `processes` make one video, `gpus` are those of this machine that may be used, and `points` are to be made. Raises
    InputError for more workers than there are GPUs for.
    """
    check_device(device)
    wanted = parallel.workers
    if not gpus:
        count = _ON_A_CPU if wanted == AUTO else wanted
        return _named([()] * min(count, points))
    most = len(gpus) // processes
    needed = f"{processes} GPU{'s' if processes > 1 else ''}"
    if most == 0:
        raise InputError(
            f"parallel.mode={parallel.mode}",
            f"each worker needs {needed}, and there are {len(gpus)} here",
            "Give a smaller parallel.ulysses_size, or leave parallel.mode out",
        )
    if wanted != AUTO and wanted > most:
        raise InputError(
            f"parallel.workers={wanted}",
            f"each worker needs {needed}, and there are {len(gpus)} here",
            f"Give parallel.workers={most}, or leave it out",
        )
    count = min(most if wanted == AUTO else wanted, points)
    return _named([gpus[place * processes : (place + 1) * processes] for place in range(count)])


def _named(groups: Sequence[tuple[str, ...]]) -> dict[str, StarterHere]:
    return {_name(place, group): StarterHere(group, crews=len(groups)) for place, group in enumerate(groups, 1)}


def _name(place: int, group: tuple[str, ...]) -> str:
    if not group:
        return f"worker {place}"
    return f"GPU {group[0]}" if len(group) == 1 else f"GPUs {','.join(group)}"


def check_device(device: str) -> None:
    """Raises InputError for a device of which there is one: each worker has its own."""
    if device not in (AUTO, "cpu"):
        raise InputError(
            f"memory.device={device}",
            "the points are spread over workers, each of which has a GPU of its own",
            "Leave it out, and say in CUDA_VISIBLE_DEVICES which GPUs there are",
        )
