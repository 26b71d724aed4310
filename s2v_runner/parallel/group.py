"""The processes that make one video together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from s2v_runner.parallel.wire import Beat, Wire

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

    def __init__(self, rendezvous: Rendezvous, device: torch.device, patience: timedelta, beat: Beat) -> None:
        self.rank = rendezvous.rank
        self.size = rendezvous.size
        self.device = device
        self.beat = beat
        self._patience = patience
        self.everyone = self.wires([range(self.size)])
        # What is told comes when the first process has something to say, which may be after a long time.
        words = dist.new_group(backend=dist.Backend.GLOO, timeout=_AS_LONG_AS_IT_TAKES)
        assert isinstance(words, dist.ProcessGroup)
        self._words = words

    def wires(self, parts: Sequence[range]) -> Wire:
        """The part that this process is in, of parts by ranks that have every process in one. Asked for by all."""
        return Wire(self.processes(parts), self.beat, self.device)

    def processes(self, parts: Sequence[range]) -> dist.ProcessGroup:
        """The same as PyTorch has it. What is sent in it waits for nothing that is sent in another."""
        # PyTorch does not give its groups the patience of the first.
        made = {part: dist.new_group(list(part), timeout=self._patience) for part in parts}
        (own,) = (processes for part, processes in made.items() if self.rank in part)
        assert isinstance(own, dist.ProcessGroup)
        return own

    def tell(self, value: Any) -> None:
        """Give a value to the others, who `hear` it. For the first process. It waits until all of them listen."""
        assert self.rank == 0
        dist.broadcast_object_list([value], src=0, group=self._words)

    def hear(self) -> Any:
        """The value that the first process tells; waits for it as long as it takes."""
        heard = [None]
        dist.broadcast_object_list(heard, src=0, group=self._words)
        return heard[0]


@contextmanager
def joined(rendezvous: Rendezvous, device: torch.device, patience: float, beat: Beat) -> Iterator[Group]:
    """Be one of a group. A process that hears nothing of the others for `patience` seconds while they work raises."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(
        backend,
        init_method=rendezvous.address,
        rank=rendezvous.rank,
        world_size=rendezvous.size,
        timeout=timedelta(seconds=patience),
    )
    try:
        yield Group(rendezvous, device, timedelta(seconds=patience), beat)
    finally:
        dist.destroy_process_group()
