"""One process of a crew: `python -m s2v_runner.parallel.member FILE`, started by the crew and by nobody else.

The first process does the job; the others follow it. A process that cannot go on says why, and where the fault is
another's it waits for its end: who has to end is decided by whoever watches all of them.
"""

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import torch

from s2v_runner.division import UNDIVIDED, Division
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.execution import Session
from s2v_runner.following import Leave, follow, on_device
from s2v_runner.interruption import Interrupted, stoppable
from s2v_runner.parallel.branches import SharedBranches
from s2v_runner.parallel.group import Group, Rendezvous, joined
from s2v_runner.parallel.orders import Orders
from s2v_runner.parallel.pulse import Pulse
from s2v_runner.parallel.sequence import SharedSequence
from s2v_runner.parallel.sharding import FullyShards
from s2v_runner.parallel.strips import SharedStrips
from s2v_runner.parallel.turns import ReadingTurns
from s2v_runner.production import Engines

_EXPECTED = (InputError, GenerationError, OutputError)
# Between the end of whoever started this process and its own, if it does not come to one by itself.
_SECONDS_TO_END = 20.0
# Where weights are gathered, PyTorch itself meets the others, and what it raises names what carried them.
_CARRIERS = ("gloo", "NCCL")
# Sooner, those who watch are to have found out who it is that does not get on.
_SHARE_OF_PATIENCE = 2


class MemberSession(Session):
    """A session whose model belongs to a crew."""

    def __init__(self, engines: Engines) -> None:
        self._given = engines

    @cached_property
    def engines(self) -> Engines:
        return self._given

    @property
    def is_whole(self) -> bool:
        return self._given.division.is_whole()


class Loss:
    """Tells of others that have gone, and waits for the end."""

    def __init__(self, orders: Orders, pulse: Pulse) -> None:
        self._traces = orders.traces
        self._pulse = pulse

    def meet(self) -> None:
        self._pulse.meet()

    def lose(self, error: RuntimeError) -> NoReturn:
        self._traces.write_reason(f"{type(error).__name__}: {str(error).splitlines()[0]}", is_loss=True)
        _wait_for_the_end()


def main() -> int:
    """Carry the orders out; the exit status tells only whether it went well."""
    orders = pickle.loads(Path(sys.argv[1]).read_bytes())
    assert isinstance(orders, Orders)
    threading.Thread(target=_end_with_the_starter, args=(orders.rank,), daemon=True).start()
    try:
        _take_part(orders, Pulse(orders.traces.pulse))
    except BaseException as error:
        traceback.print_exc()
        text = f"{type(error).__name__}: {error}"
        is_loss = isinstance(error, RuntimeError) and any(name in text for name in _CARRIERS)
        orders.traces.write_reason(text, is_loss)
        if is_loss:
            _wait_for_the_end()
        return 1
    return 0


def _wait_for_the_end() -> NoReturn:
    while True:
        time.sleep(1)


def _take_part(orders: Orders, pulse: Pulse) -> None:
    if orders.threads is not None:
        torch.set_num_threads(orders.threads)
    if orders.topology.processes == 1:
        alone = replace(UNDIVIDED, at_work=pulse.at_work, advance=pulse.advance, turn_to_read=_turns(orders, pulse))
        _perform(orders, alone, pulse)
        return
    device = torch.device("cuda", 0) if orders.on_gpu else torch.device("cpu")
    place = Rendezvous(orders.rank, orders.topology.processes, orders.address)
    with joined(place, device, _SHARE_OF_PATIENCE * orders.patience, Loss(orders, pulse)) as group:
        division = _divide(group, orders, pulse)
        if orders.rank == 0:
            _perform(orders, division, pulse)
            if division.is_whole():
                group.tell(Leave())
        else:
            engines = Engines(division, lambda *_: pulse.advance())
            follow(group.hear, lambda settings: engines.engine_of(on_device(settings, device)))


def _divide(group: Group, orders: Orders, pulse: Pulse) -> Division:
    """This process's part of the work."""
    sequence, size = orders.topology.sequence, group.size
    half = group.wires([range(begin, begin + sequence) for begin in range(0, size, sequence)])
    across = group.wires([range(place, size, sequence) for place in range(sequence)])
    return Division(
        sequence=SharedSequence(half) if half.size > 1 else UNDIVIDED.sequence,
        branches=SharedBranches(across) if across.size > 1 else UNDIVIDED.branches,
        strips=SharedStrips(group.everyone),
        shards=FullyShards(group) if orders.topology.shares_weights else UNDIVIDED.shards,
        tell=group.tell,
        at_work=pulse.at_work,
        advance=pulse.advance,
        break_off=group.break_off,
        is_whole=lambda: group.is_whole,
        turn_to_read=_turns(orders, pulse),
    )


def _turns(orders: Orders, pulse: Pulse) -> Callable[[str], AbstractContextManager[None]]:
    return ReadingTurns(pulse.advance) if orders.takes_turns else UNDIVIDED.turn_to_read


def _perform(orders: Orders, division: Division, pulse: Pulse) -> None:
    """Do the job. An error that a user can mend is a result, too; whatever else is raised ends the process."""
    assert orders.job is not None
    try:
        with stoppable():
            result = orders.job.perform(MemberSession(Engines(division, lambda *_: pulse.advance())))
    except (*_EXPECTED, Interrupted) as error:
        result = error
    orders.traces.write_result(result)


def _end_with_the_starter(rank: int) -> None:
    """Whoever started this process holds its standard input open; once that is closed there is nobody to work for."""
    sys.stdin.buffer.read()
    if rank == 0:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_SECONDS_TO_END)
    os._exit(1)


if __name__ == "__main__":
    # At once, and without what libraries would do at the end: others may be gone, and would be waited for.
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
