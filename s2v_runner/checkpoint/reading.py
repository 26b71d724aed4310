"""Bytes of files → tensors, at the rate of the disk or of the bus.

Several threads fill a small ring of staging buffers while what is in the others is on its way to the device: a GPU's
bus is only busy with memory that is pinned, and one thread alone does not read as fast as that. A tensor that is to lie
in main memory is read straight into its place.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Protocol, TypeVar

import torch

from s2v_runner.checkpoint.sources import Source, Span
from s2v_runner.checkpoint.staging import Arrival, Copy, NoStaging, PinnedStaging, Staging

_MEBIBYTE = 1 << 20
_THREADS = min(12, os.cpu_count() or 1)
_BUFFERS = 4
_PINNED_BYTES = 64 * _MEBIBYTE
# What is on its way to main memory is needed beside what is there, where the dtype changes.
_UNSTAGED_BYTES = 16 * _MEBIBYTE
_PINNED_JOB, _UNSTAGED_JOB = 8 * _MEBIBYTE, 4 * _MEBIBYTE


class Entry(Protocol):
    """A tensor in a source."""

    @property
    def begin(self) -> int: ...

    @property
    def end(self) -> int: ...


AnyEntry = TypeVar("AnyEntry", bound=Entry)


class Reader:
    """Threads and staging memory, for as many sources as are read one after another.

    Use as a context: at its end no thread is left, and nothing is under way.
    """

    def __init__(self, staging: Staging, buffers: int, buffer_bytes: int, job_bytes: int, threads: int) -> None:
        assert buffers >= 2
        self._staging = staging
        self._buffers = [_Buffer() for _ in range(buffers)]
        self._buffer_bytes = buffer_bytes
        self._job_bytes = job_bytes
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="read-weights")

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._staging.finish()

    def read(
        self, source: Source, entries: Sequence[AnyEntry], place: Callable[[AnyEntry], torch.Tensor]
    ) -> Iterator[tuple[AnyEntry, torch.Tensor]]:
        """Fill the tensor that `place` gives for each entry, and hand it on once it is whole, in their order.

        The tensors must be contiguous and as long as their entries. What the caller does with one on its current
        stream comes after its bytes. At most the buffers' contents are under way ahead of what was handed on.
        Raises what the source does.
        """
        begun: deque[_Load[AnyEntry]] = deque()
        try:
            for number, load in enumerate(self._divide(entries, place)):
                self._begin(load, self._buffers[number % len(self._buffers)], source)
                begun.append(load)
                # One buffer's copies are on their way while the others are filled.
                if len(begun) == len(self._buffers) - 1:
                    yield from self._land(begun[0])
                    begun.popleft()
            while begun:
                yield from self._land(begun[0])
                begun.popleft()
        finally:
            jobs = [job for load in begun for job in load.jobs]
            for job in jobs:
                job.cancel()
            wait(jobs)

    def _divide(
        self, entries: Sequence[AnyEntry], place: Callable[[AnyEntry], torch.Tensor]
    ) -> Iterator["_Load[AnyEntry]"]:
        """Loads of at most a buffer's length: parts of a long tensor, or many short tensors together."""
        load, room = _Load[AnyEntry](), self._buffer_bytes
        for entry in entries:
            tensor = place(entry)
            assert tensor.is_contiguous()
            content = tensor.reshape(-1).view(torch.uint8)
            length = entry.end - entry.begin
            assert content.numel() == length, entry
            done = 0
            while done < length:
                if room == 0:
                    yield load
                    load, room = _Load[AnyEntry](), self._buffer_bytes
                size = min(room, length - done)
                load.pieces.append(_Piece(content[done : done + size], entry.begin + done))
                done, room = done + size, room - size
            load.whole.append((entry, tensor))
        if load.whole:
            yield load

    def _begin(self, load: "_Load[AnyEntry]", buffer: "_Buffer", source: Source) -> None:
        """Set threads to reading."""
        spans: list[Span] = []
        used = 0
        for piece in load.pieces:
            size = piece.target.numel()
            if self._staging.serves(piece.target):
                memory = self._memory_of(buffer)[used : used + size]
                load.copies.append((piece.target, memory))
                used += size
            else:
                memory = piece.target
            spans.append((memory.numpy().data, piece.offset))
        load.buffer = buffer
        load.mark = self._staging.mark()
        load.jobs = [self._threads.submit(source.read, job) for job in _share_out(spans, self._job_bytes)]

    def _memory_of(self, buffer: "_Buffer") -> torch.Tensor:
        """The buffer's memory, once what was in it has gone on."""
        if buffer.memory is None:
            buffer.memory = self._staging.allocate(self._buffer_bytes)
        if buffer.arrival is not None:
            buffer.arrival.wait()
            buffer.arrival = None
        return buffer.memory

    def _land(self, load: "_Load[AnyEntry]") -> Iterator[tuple[AnyEntry, torch.Tensor]]:
        """What is whole once this has been read."""
        for job in load.jobs:
            job.result()
        if load.copies:
            assert load.buffer is not None
            load.buffer.arrival = self._staging.copy(load.copies, load.mark)
        yield from load.whole


def open_reader(device: torch.device) -> Reader:
    """A reader of tensors that are to lie on `device`, or some of them in main memory."""
    if device.type == "cuda":
        return Reader(PinnedStaging(device), _BUFFERS, _PINNED_BYTES, _PINNED_JOB, _THREADS)
    return Reader(NoStaging(), _BUFFERS, _UNSTAGED_BYTES, _UNSTAGED_JOB, _THREADS)


@dataclass
class _Buffer:
    """One of the ring."""

    memory: torch.Tensor | None = None
    """None until it is first needed."""
    arrival: Arrival | None = None
    """Of what was in it last, where that may still be on its way."""


@dataclass(frozen=True)
class _Piece:
    """Bytes of a tensor, and where they are in the source."""

    target: torch.Tensor
    offset: int


@dataclass
class _Load(Generic[AnyEntry]):
    """What one buffer holds at a time."""

    pieces: list[_Piece] = field(default_factory=list)
    whole: list[tuple[AnyEntry, torch.Tensor]] = field(default_factory=list)
    """The tensors of which no byte is missing after this."""
    copies: list[Copy] = field(default_factory=list)
    jobs: list[Future[None]] = field(default_factory=list)
    buffer: _Buffer | None = None
    mark: object = None


def _share_out(spans: Sequence[Span], size: int) -> Iterator[list[Span]]:
    """The spans in lists of about so many bytes."""
    job: list[Span] = []
    total = 0
    for memory, offset in spans:
        for start in range(0, len(memory), size):
            part = memory[start : start + size]
            job.append((part, offset + start))
            total += len(part)
            if total >= size:
                yield job
                job, total = [], 0
    if job:
        yield job
