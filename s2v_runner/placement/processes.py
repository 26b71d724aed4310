"""The processes that a launcher started, read from what it leaves in the environment."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Processes:
    rank: int
    count: int

    @property
    def is_first(self) -> bool:
        """Whether this is the one that speaks to the user and writes files."""
        return self.rank == 0


def launched_processes() -> Processes:
    """This process among those that `accelerate launch` or `torchrun` started; alone when nothing launched it."""
    return Processes(rank=_number("RANK", 0), count=_number("WORLD_SIZE", 1))


def _number(name: str, alone: int) -> int:
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else alone
