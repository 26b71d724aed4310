"""The processes that make one video together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import torch
import torch.distributed as dist

from s2v_runner.parallel.wire import Observer, Wire, meeting

_AS_LONG_AS_IT_TAKES = timedelta(days=365)


@dataclass(frozen=True)
class Rendezvous:
    """Which process of a group this is, and where it finds the others."""

    rank: int
    size: int
    address: str
    """As PyTorch has it: `tcp://host:port`, or `file://path` for processes of one machine."""


class Group:
    """The processes of one video, and this one among them."""

    def __init__(self, rendezvous: Rendezvous, device: torch.device, patience: timedelta, observer: Observer) -> None:
        self.rank = rendezvous.rank
        self.size = rendezvous.size
        self.device = device
        self.observer = observer
        self._patience = patience
        self.is_whole = True
        self.everyone = self.wires([range(self.size)])
        # What is told comes when the first process has something to say, which may be after a long time.
        self._words = _new_group(range(self.size), backend=dist.Backend.GLOO, timeout=_AS_LONG_AS_IT_TAKES)

    def wires(self, parts: Sequence[range]) -> Wire:
        """The part that this process is in, of parts by ranks that have every process in one. Asked for by all."""
        return Wire(self.processes(parts), self.observer, self.device)

    def processes(self, parts: Sequence[range]) -> dist.ProcessGroup:
        """The same as PyTorch has it. What is sent in it waits for nothing that is sent in another."""
        # PyTorch does not give its groups the patience of the first.
        made = {part: _new_group(part, timeout=self._patience) for part in parts}
        (own,) = (processes for part, processes in made.items() if self.rank in part)
        return own

    def break_off(self) -> None:
        """This process has left what all were at."""
        self.is_whole = False

    def tell(self, value: Any) -> None:
        """Give a value to the others, who `hear` it. For the first process. It waits until all of them listen."""
        assert self.rank == 0
        with meeting(self.observer):
            dist.broadcast_object_list([value], src=0, group=self._words)

    def hear(self) -> Any:
        """The value that the first process tells; waits for it as long as it takes."""
        heard = [None]
        with meeting(self.observer):
            dist.broadcast_object_list(heard, src=0, group=self._words)
        return heard[0]


def _new_group(ranks: range, **settings: Any) -> dist.ProcessGroup:
    made = dist.new_group(list(ranks), **settings)
    # For a group that this process is not in PyTorch gives a stand-in, which is never used.
    return cast(dist.ProcessGroup, made)


@contextmanager
def joined(rendezvous: Rendezvous, device: torch.device, patience: float, observer: Observer) -> Iterator[Group]:
    """Be one of a group. Others that let it wait for `patience` seconds are lost to it, but for words."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(
        backend,
        init_method=rendezvous.address,
        rank=rendezvous.rank,
        world_size=rendezvous.size,
        timeout=timedelta(seconds=patience),
    )
    try:
        yield Group(rendezvous, device, timedelta(seconds=patience), observer)
    finally:
        dist.destroy_process_group()
