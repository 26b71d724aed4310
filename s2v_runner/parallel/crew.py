"""The processes that do one job, started, watched, and ended together. Nothing heavy is imported."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from s2v_runner.interruption import Interrupted
from s2v_runner.parallel.orders import Orders, Traces
from s2v_runner.parallel.pulse import Beat, read_pulse
from s2v_runner.placement.processes import NAMES

_SECONDS_BETWEEN_LOOKS = 0.1
# In which a process that was asked to stop closes its record.
_SECONDS_TO_STOP = 30.0
# In which those that are not the first end by themselves once the job is done.
_SECONDS_TO_LEAVE = 5.0
# In which the first process may come to the same error as another one, and say it in better words.
_SECONDS_TO_EXPLAIN = 2.0
_LINES_SHOWN = 5
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Seen:
    """A process as it was seen last."""

    rank: int
    status: int | None
    """Its exit status, negative for a signal; None while it is there."""
    reason: str | None
    """Why it cannot go on, in its own words."""
    has_lost: bool
    """Whether the reason is that others have gone."""
    beat: Beat


class Members(Protocol):
    """The processes of a crew, wherever they are."""

    def look(self) -> Sequence[Seen]:
        """All of them, in the order of their ranks."""
        ...

    def stop(self) -> None:
        """Ask the first to come to an end."""
        ...

    def kill(self) -> None:
        """End all of them at once."""
        ...


class CrewError(RuntimeError):
    """A process of a crew ended, or hung, before the job was done."""

    def __init__(self, rank: int, size: int, reason: str) -> None:
        self.rank = rank
        self.reason = reason
        super().__init__(f"process {rank} of {size} {reason}" if size > 1 else f"the process {reason}")


class LocalMembers:
    """Processes of this machine, children of this one. They end with it."""

    def __init__(self, orders: Sequence[Orders], gpus: Sequence[str | None]) -> None:
        """Start them, each on the GPU that CUDA knows by that name, or on none."""
        self._traces = [order.traces for order in orders]
        self._processes = [_start(order, gpu) for order, gpu in zip(orders, gpus, strict=True)]

    def look(self) -> list[Seen]:
        return [_see(traces, process.poll()) for traces, process in zip(self._traces, self._processes, strict=True)]

    def stop(self) -> None:
        self._processes[0].terminate()

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


@dataclass(frozen=True)
class Outcome:
    """What came of a job."""

    result: object
    """What it returned, or what it raised for a user to mend."""

    def unwrap(self) -> object:
        """What it returned. Raises what it raised."""
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


class Watch:
    """Looks after a crew at work."""

    def __init__(self, members: Members, traces: Traces, patience: float) -> None:
        self._members = members
        self._traces = traces
        self._hanging = _Hanging(patience)

    def look(self) -> Outcome | None:
        """What came of the job; None while it goes on.

        Raises CrewError, with the process at fault, as soon as one has ended early, and `patience` seconds after all
        have ceased to get on. Whoever watches ends those that are left.
        """
        seen = self._members.look()
        if seen[0].status == 0:
            return _leave(self._members, self._traces)
        if (explained := _look_at_the_ended(seen, self._members, self._traces)) is not None:
            return explained
        self._hanging.look(seen)
        return None


def watch(members: Members, traces: Traces, patience: float) -> object:
    """Wait for the job to be done, and give what came of it. No process is left then.

    Raises as `Watch.look` does; what the job raised for a user to mend; and whatever interrupts it.
    """
    watching = Watch(members, traces, patience)
    try:
        with _interruptions_passed_on(members):
            while (outcome := watching.look()) is None:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
            return outcome.unwrap()
    finally:
        members.kill()


def _read_outcome(traces: Traces) -> Outcome:
    return Outcome(pickle.loads(traces.result.read_bytes()))


class _Hanging:
    """Notices that nobody gets on any more."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: list[Beat] = []
        self._since = time.monotonic()

    def look(self, seen: Sequence[Seen]) -> None:
        """Raises CrewError for the one that all others wait for."""
        beats = [each.beat for each in seen]
        if beats != self._last or not any(beat.is_at_work for beat in beats):
            self._last, self._since = beats, time.monotonic()
            return
        if time.monotonic() - self._since < self._patience:
            return
        late = min(seen, key=lambda each: (not each.beat.is_at_work, each.beat.meetings))
        waited = f"has not got on for {self._patience:g} s (parallel.patience)"
        others = [each.beat.meetings for each in seen if each is not late and each.beat.is_at_work]
        if others and min(others) > late.beat.meetings:
            waited += ", and the others wait for it"
        elif others:
            waited += ", nor have the others: all have come to the same place"
        raise CrewError(late.rank, len(seen), waited)


def _look_at_the_ended(seen: Sequence[Seen], members: Members, traces: Traces) -> Outcome | None:
    """What the first process says of it where others have ended early. Raises CrewError where it says nothing."""
    ended = _ended_early(seen)
    lost = [each for each in seen if each.has_lost and each.status is None]
    if not ended and not lost:
        return None
    if not ended:
        # Whoever has gone is seen to have ended soon.
        time.sleep(_SECONDS_TO_EXPLAIN)
        seen = members.look()
        ended = _ended_early(seen)
        if not ended:
            raise CrewError(lost[0].rank, len(seen), f"has lost the others, which are there: {lost[0].reason}")
    first = min(ended, key=_remoteness)
    if first.rank > 0 and (explained := _let_the_first_explain(members, traces)) is not None:
        return explained
    raise CrewError(first.rank, len(seen), _why(first, traces))


def _ended_early(seen: Sequence[Seen]) -> list[Seen]:
    """Without those that were told to leave, a moment before the first one leaves."""
    return [each for each in seen if each.status not in (None, 0)]


def _remoteness(seen: Seen) -> tuple[bool, bool, int]:
    """How far from the cause: NCCL aborts those that wait for a process that has gone."""
    return seen.status == -signal.SIGABRT, seen.reason is None, seen.rank


def _let_the_first_explain(members: Members, traces: Traces) -> Outcome | None:
    """What it has to say to the user, where it comes to the same error."""
    until = time.monotonic() + _SECONDS_TO_EXPLAIN
    while time.monotonic() < until:
        if members.look()[0].status == 0:
            return _read_outcome(traces)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return None


def _why(seen: Seen, traces: Traces) -> str:
    if seen.reason is not None and not seen.has_lost:
        return f"failed: {seen.reason}"
    status = seen.status
    assert status is not None
    said = _last_lines(Traces(traces.folder, seen.rank))
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}{said}"
    return f"ended with status {status}{said}"


def _last_lines(traces: Traces) -> str:
    try:
        lines = traces.output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return ""
    return ": " + " / ".join(lines[-_LINES_SHOWN:]) if lines else ""


def _leave(members: Members, traces: Traces) -> Outcome:
    """The job is done: the others are on their way out, too."""
    outcome = _read_outcome(traces)
    until = time.monotonic() + _SECONDS_TO_LEAVE
    while time.monotonic() < until and any(each.status is None for each in members.look()):
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return outcome


@contextmanager
def _interruptions_passed_on(members: Members) -> Iterator[None]:
    """What interrupts this process interrupts the job, which is given time to say so where it writes."""
    try:
        yield
    except Interrupted:
        members.stop()
        until = time.monotonic() + _SECONDS_TO_STOP
        while time.monotonic() < until and members.look()[0].status is None:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        raise


def _start(orders: Orders, gpu: str | None) -> subprocess.Popen[bytes]:
    traces = orders.traces
    traces.orders.write_bytes(pickle.dumps(orders))
    command = [sys.executable, "-m", "s2v_runner.parallel.member", str(traces.orders)]
    environment = dict(_clean(os.environ)) | ({} if gpu is None else {VISIBLE: gpu})
    with traces.output.open("wb") as output:
        speaks = orders.speaks and orders.rank == 0
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=None if speaks else output,
            stderr=None if speaks else subprocess.STDOUT,
            env=environment,
            # Ctrl-C is for the one that was started by the user; it passes it on.
            start_new_session=True,
        )


def _clean(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Without what a launcher told this process: its children are told by their orders."""
    told = (*NAMES, "GROUP_RANK", "ROLE_RANK", "ROLE_WORLD_SIZE", "GROUP_WORLD_SIZE")
    return (
        (name, value)
        for name, value in environment.items()
        if name not in told and not name.startswith("TORCHELASTIC_")
    )


def _see(traces: Traces, status: int | None) -> Seen:
    told = traces.read_reason() or {}
    return Seen(
        rank=traces.rank,
        status=status,
        reason=told.get("text"),
        has_lost=bool(told.get("is_loss")),
        beat=read_pulse(traces.pulse),
    )
