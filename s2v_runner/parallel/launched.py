"""A crew in the processes that `torchrun` or `accelerate launch` started, on any number of machines.

Each launched process watches over one process of the crew, a child of its own, so that a crew that has failed can be
replaced by another without the launcher noticing. They agree on a board: the store of the launcher. The first says when
a crew begins and when it ends, the others say how their children are.
"""

import json
import os
import pickle
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

from torch.distributed import PrefixStore, TCPStore  # pyright: ignore[reportPrivateImportUsage]

from s2v_runner.interruption import Interrupted
from s2v_runner.parallel.crew import LocalMembers, Members, Seen
from s2v_runner.parallel.orders import Orders
from s2v_runner.parallel.pulse import Beat
from s2v_runner.parallel.starting import Wanted, free_port, gpus_here, make_orders, threads_for, traces_folder
from s2v_runner.placement.processes import Processes

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_TO_CONNECT = 120
_DONE = "done"


class Board:
    """Notes that all launched processes can read."""

    def __init__(self, processes: Processes) -> None:
        # torchrun keeps a store in a process of its own; other launchers leave that to the first process.
        is_kept = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        host, port = processes.master
        store = TCPStore(
            host,
            port,
            is_master=processes.is_first and not is_kept,
            timeout=timedelta(seconds=_SECONDS_TO_CONNECT),
            wait_for_workers=False,
        )
        # A launcher may start all of them anew.
        self._store = PrefixStore(f"s2v_runner/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)

    def pin(self, name: str, note: bytes) -> None:
        self._store.set(name, note)  # pyright: ignore[reportArgumentType]

    def has(self, name: str) -> bool:
        return self._store.check([name])

    def read(self, name: str) -> bytes | None:
        return self._store.get(name) if self.has(name) else None


class LaunchedStarter:
    """For the first of the launched processes."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._board = Board(processes)
        self._crews = 0

    def start(self, wanted: Wanted, folder: Path) -> Members:
        number = self._crews
        self._crews += 1
        address = f"tcp://{self._processes.master[0]}:{free_port()}"
        orders = make_orders(wanted, address, bool(gpus_here(wanted.device)), folder)
        self._board.pin(f"begin/{number}", pickle.dumps((wanted.device, orders[1:])))
        own = _start_own(orders[0], wanted.device, self._processes, folder)
        return LaunchedMembers(own, self._board, number, self._processes.count)

    def close(self) -> None:
        """There will be no other crew."""
        self._board.pin(_DONE, b"")


class LaunchedMembers:
    """A crew as the first of the launched processes sees it."""

    def __init__(self, own: LocalMembers, board: Board, number: int, count: int) -> None:
        self._own = own
        self._board = board
        self._number = number
        self._count = count

    def look(self) -> Sequence[Seen]:
        return [*self._own.look(), *(self._look_up(rank) for rank in range(1, self._count))]

    def stop(self) -> None:
        self._own.stop()

    def kill(self) -> None:
        self._board.pin(f"end/{self._number}", b"")
        self._own.kill()

    def _look_up(self, rank: int) -> Seen:
        note = self._board.read(f"seen/{self._number}/{rank}")
        if note is None:
            return Seen(rank, None, None, False, Beat(0, 0, False))
        told = json.loads(note)
        return Seen(**{**told, "beat": Beat(**told["beat"])})


def attend(processes: Processes) -> int:
    """For the other launched processes: watch over a process of each crew, until there is none to come.

    The exit status is 0 whatever becomes of the crews: a launcher that sees another one ends the first process before
    that has said what was wrong.
    """
    try:
        board = Board(processes)
        number = 0
        while not board.has(_DONE):
            if (note := board.read(f"begin/{number}")) is not None:
                _watch_over_one(note, board, number, processes)
                number += 1
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    except (Interrupted, RuntimeError):
        # Asked to stop, or the first process has gone, and the launcher with it.
        pass
    return 0


def _watch_over_one(note: bytes, board: Board, number: int, processes: Processes) -> None:
    device, others = pickle.loads(note)
    orders: Orders = others[processes.rank - 1]
    with traces_folder() as folder:
        own = _start_own(orders, device, processes, folder)
        try:
            while not (board.has(f"end/{number}") or board.has(_DONE)):
                board.pin(f"seen/{number}/{processes.rank}", json.dumps(asdict(own.look()[0])).encode())
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            own.kill()


def _start_own(orders: Orders, device: str, processes: Processes, folder: Path) -> LocalMembers:
    gpus = gpus_here(device)
    own = replace(
        orders, folder=folder, on_gpu=bool(gpus), threads=None if gpus else threads_for(processes.local_count)
    )
    return LocalMembers([own], [gpus[processes.local_rank] if gpus else None])
