"""Functions that run in several processes at once, which talk to each other over gloo."""

import multiprocessing
import pickle
import tempfile
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

import torch

from s2v_runner.parallel.group import Group, Rendezvous, joined

PATIENCE = 120.0
# Forked from a process with one thread that has the imports done, of what loads and makes videos too: a rank begins in
# milliseconds.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.parallel.ranks", "tests.test_generation", "tests.checkpoint.folders"])


class Raising:
    """An observer of a test: what was lost is an error."""

    def meet(self) -> None:
        return None

    def lose(self, error: RuntimeError) -> NoReturn:
        raise error


def run_ranks(size: int, action: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `action(group, *arguments)` returns in each of `size` processes, in the order of their ranks.

    The action must be a function of a module. A process that raises fails the test with its traceback.
    """
    with tempfile.TemporaryDirectory() as folder:
        address = (Path(folder) / "rendezvous").as_uri()
        pipes = [_CONTEXT.Pipe(duplex=False) for _ in range(size)]
        processes = [
            _CONTEXT.Process(
                target=_run_rank, args=(Rendezvous(rank, size, address), writing, pickle.dumps((action, arguments)))
            )
            for rank, (_, writing) in enumerate(pipes)
        ]
        for process in processes:
            process.start()
        try:
            return _collect([reading for reading, _ in pipes], [writing for _, writing in pipes])
        finally:
            for process in processes:
                process.kill()
                process.join()


def _collect(readers: list[Connection], writers: list[Connection]) -> list[Any]:
    for writer in writers:
        writer.close()
    results: dict[int, Any] = {}
    while len(results) < len(readers):
        open_readers = {reader: rank for rank, reader in enumerate(readers) if rank not in results}
        ready = wait(list(open_readers), timeout=PATIENCE)
        assert ready, f"no result in {PATIENCE:g} s of ranks {sorted(open_readers.values())}"
        for reader in ready:
            assert isinstance(reader, Connection)
            rank = open_readers[reader]
            problem, result = pickle.loads(reader.recv_bytes())
            assert problem is None, f"rank {rank}:\n{problem}"
            results[rank] = result
    return [results[rank] for rank in range(len(readers))]


def _run_rank(rendezvous: Rendezvous, writer: Connection, work: bytes) -> None:
    torch.set_num_threads(1)
    try:
        action, arguments = pickle.loads(work)
        with joined(rendezvous, torch.device("cpu"), PATIENCE, Raising()) as group:
            answer: tuple[str | None, Any] = (None, action(group, *arguments))
    except BaseException:
        answer = (traceback.format_exc(), None)
    # Tensors as bytes: `send` would share their memory, which is gone with the process.
    writer.send_bytes(pickle.dumps(answer))
    writer.close()


__all__ = ["PATIENCE", "Group", "run_ranks"]
