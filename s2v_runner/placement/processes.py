"""The processes that a launcher started, read from what it leaves in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from s2v_runner.errors import InputError

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What `torchrun` and `accelerate launch` set."""
_NUMBERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT")
_TELLING = ("RANK", "WORLD_SIZE")
"""Of which either says that there was a launcher. Clusters set the others for whoever may need them."""


@dataclass(frozen=True)
class Processes:
    """This process among those that were launched with it."""

    rank: int
    count: int
    local_rank: int
    """Among those on this machine."""
    local_count: int
    master: tuple[str, int]
    """Address and port where they find each other."""

    @property
    def is_first(self) -> bool:
        """Whether this is the one that speaks to the user and writes files."""
        return self.rank == 0


ALONE = Processes(rank=0, count=1, local_rank=0, local_count=1, master=("", 0))


def launched_processes() -> Processes:
    """This process among those that `accelerate launch` or `torchrun` started; alone when nothing launched it.

    Raises InputError where only a part of what a launcher sets is there, or makes no sense.
    """
    return read_launch(os.environ)


def read_launch(environment: Mapping[str, str]) -> Processes:
    """The same from any environment."""
    if not any(environment.get(name) for name in _TELLING):
        return ALONE
    missing = [name for name in NAMES if not environment.get(name)]
    given = [name for name in NAMES if environment.get(name)]
    remedy = "Start with torchrun or accelerate launch, which set all of it, or unset " + ", ".join(given)
    if environment.get("WORLD_SIZE") == "1" and environment.get("RANK", "0") == "0":
        # One process needs to find no other.
        return ALONE
    if missing:
        verb = "is" if len(given) == 1 else "are"
        problem = f"{', '.join(given)} {verb} set as by a launcher, {missing[0]} is not"
        raise InputError("the environment", problem, remedy)
    for name in _NUMBERS:
        if not environment[name].isdigit():
            raise InputError(f"{name}={environment[name]}", "it is no number", remedy)
    rank, count, local_rank, local_count, port = (int(environment[name]) for name in _NUMBERS)
    if not (rank < count and local_rank < local_count <= count and port > 0):
        told = ", ".join(f"{name}={environment[name]}" for name in _NUMBERS)
        raise InputError(told, "no process of so many has this place", remedy)
    return Processes(rank, count, local_rank, local_count, (environment["MASTER_ADDR"], port))
