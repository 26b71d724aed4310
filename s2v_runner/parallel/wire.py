"""Tensors from process to process."""

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist

Promise = Callable[[], torch.Tensor]
"""Waits for what is on its way, and gives it. To be called once."""

Beat = Callable[[], None]
"""Told whenever this process is about to wait for others."""


class Wire:
    """Some processes of a group, in the order of their ranks, and this one among them.

    Every method is called by all of them at the same point of the same program. Tensors are contiguous.
    """

    def __init__(self, processes: dist.ProcessGroup, beat: Beat, device: torch.device) -> None:
        self.rank = dist.get_rank(processes)
        self.size = dist.get_world_size(processes)
        self._processes = processes
        self._beat = beat
        self._device = device
        # gloo moves main memory alone; a GPU's tensors go through it.
        by_main_memory = dist.get_backend(processes) == dist.Backend.GLOO
        self._carrier = torch.device("cpu") if by_main_memory else device

    def exchange(self, rows: torch.Tensor, sent: Sequence[int], received: Sequence[int]) -> Promise:
        """Send so many of the rows to each process, in their order, and begin to receive so many from each."""
        self._beat()
        source = rows.to(self._carrier)
        target = source.new_empty((sum(received), *rows.shape[1:]))
        work = dist.all_to_all_single(target, source, list(received), list(sent), group=self._processes, async_op=True)
        assert work is not None

        def receive() -> torch.Tensor:
            work.wait()
            # The source is kept until it has been sent.
            return target.to(source.device if self._carrier == self._device else self._device)

        return receive

    def gather(self, rows: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        """The rows of all processes, one after the other; each has as many as its count says."""
        self._beat()
        longest = max(counts)
        padded = rows.new_zeros((longest, *rows.shape[1:]), device=self._carrier)
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded, group=self._processes)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)]).to(self._device)

    def broadcast(self, tensor: torch.Tensor, source: int) -> torch.Tensor:
        """The tensor that the process of this rank gives; the others give one of its shape and dtype."""
        self._beat()
        carried = tensor.to(self._carrier, copy=True)
        dist.broadcast(carried, group_src=source, group=self._processes)
        return carried.to(self._device)
