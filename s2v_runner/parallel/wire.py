"""Tensors from process to process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, Protocol

import torch
import torch.distributed as dist

Promise = Callable[[], torch.Tensor]
"""Waits for what is on its way, and gives it. To be called once."""


class Observer(Protocol):
    """Who is told how a process gets on with the others."""

    def meet(self) -> None:
        """It is about to wait for others."""
        ...

    def lose(self, error: RuntimeError) -> NoReturn:
        """Others have gone, and it cannot go on."""
        ...


@contextmanager
def meeting(observer: Observer) -> Iterator[None]:
    """While others are waited for. gloo and NCCL say that they have gone by a RuntimeError."""
    observer.meet()
    try:
        yield
    except RuntimeError as error:
        observer.lose(error)


class Wire:
    """Some processes of a group, in the order of their ranks, and this one among them.

    Every method is called by all of them at the same point of the same program. Tensors are contiguous.
    """

    def __init__(self, processes: dist.ProcessGroup, observer: Observer, device: torch.device) -> None:
        self.rank = dist.get_rank(processes)
        self.size = dist.get_world_size(processes)
        self._processes = processes
        self._observer = observer
        self._device = device
        # gloo moves main memory alone; a GPU's tensors go through it.
        by_main_memory = dist.get_backend(processes) == dist.Backend.GLOO
        self._carrier = torch.device("cpu") if by_main_memory else device

    def exchange(self, rows: torch.Tensor, sent: Sequence[int], received: Sequence[int]) -> Promise:
        """Send so many of the rows to each process, in their order, and begin to receive so many from each."""
        source = rows.to(self._carrier)
        target = source.new_empty((sum(received), *rows.shape[1:]))
        with meeting(self._observer):
            work = dist.all_to_all_single(
                target, source, list(received), list(sent), group=self._processes, async_op=True
            )
        assert work is not None

        def receive() -> torch.Tensor:
            with meeting(self._observer):
                work.wait()
            # Named here, so that it is kept until it has been sent.
            assert source is not None
            return target.to(self._device)

        return receive

    def gather(self, rows: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        """The rows of all processes, one after the other; each has as many as its count says."""
        longest = max(counts)
        padded = rows.new_zeros((longest, *rows.shape[1:]), device=self._carrier)
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in counts]
        with meeting(self._observer):
            dist.all_gather(parts, padded, group=self._processes)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)]).to(self._device)

    def broadcast(self, tensor: torch.Tensor, source: int) -> torch.Tensor:
        """The tensor that the process of this rank gives; the others give one of its shape and dtype."""
        carried = tensor.to(self._carrier, copy=True)
        with meeting(self._observer):
            dist.broadcast(carried, group=self._processes, group_src=source)
        return carried.to(self._device)
