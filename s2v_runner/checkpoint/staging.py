"""How bytes that were read into main memory reach the tensors that they are for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

Copy = tuple[torch.Tensor, torch.Tensor]
"""A part of a tensor and the staged bytes that it is to get, both as bytes."""


class Arrival(Protocol):
    """Copies under way."""

    def wait(self) -> None:
        """Return once they are done and the staged bytes may be overwritten."""
        ...


class Staging(Protocol):
    """Memory that files are read into, and copies from there."""

    def serves(self, target: torch.Tensor) -> bool:
        """Whether bytes for this tensor go through here. Others are read straight into it."""
        ...

    def allocate(self, size: int) -> torch.Tensor:
        """So many bytes of main memory."""
        ...

    def mark(self) -> Any:
        """This moment in what the caller does on its current stream."""
        ...

    def copy(self, copies: Sequence[Copy], mark: Any) -> Arrival:
        """Begin to copy, after what came before `mark` and before what the caller does next on its current stream."""
        ...

    def finish(self) -> None:
        """Let what the caller does next on its current stream come after all copies."""
        ...


class NoStaging:
    """For tensors in main memory."""

    def serves(self, target: torch.Tensor) -> bool:
        assert target.device.type == "cpu", target.device
        return False

    def allocate(self, size: int) -> torch.Tensor:
        raise AssertionError(size)

    def mark(self) -> None:
        return None

    def copy(self, copies: Sequence[Copy], mark: None) -> Arrival:
        raise AssertionError(copies)

    def finish(self) -> None:
        return None


class PinnedStaging:
    """Pinned memory, and a stream of its own to a GPU, so that copies and computation go on beside each other."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)

    def serves(self, target: torch.Tensor) -> bool:
        return target.is_cuda

    def allocate(self, size: int) -> torch.Tensor:
        return torch.empty(size, dtype=torch.uint8, pin_memory=True)

    def mark(self) -> torch.cuda.Event:
        """Memory that a tensor gets may be another's, freed and still in use by what the caller's stream has to do."""
        return _record(torch.cuda.current_stream(self._device))

    def copy(self, copies: Sequence[Copy], mark: torch.cuda.Event) -> Arrival:
        self._stream.wait_event(mark)
        with torch.cuda.stream(self._stream):
            for target, staged in copies:
                target.copy_(staged, non_blocking=True)
        event = _record(self._stream)
        torch.cuda.current_stream(self._device).wait_event(event)
        return _EventArrival(event)

    def finish(self) -> None:
        torch.cuda.current_stream(self._device).wait_stream(self._stream)


@dataclass(frozen=True)
class _EventArrival:
    event: torch.cuda.Event

    def wait(self) -> None:
        self.event.synchronize()


def _record(stream: torch.cuda.Stream) -> torch.cuda.Event:
    event = torch.cuda.Event()
    event.record(stream)
    return event
