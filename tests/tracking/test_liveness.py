"""Processes that are there, that are not, and others that have taken over their numbers."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from s2v_runner.tracking.liveness import is_at_work, is_there
from s2v_runner.tracking.record import Attempt
from tests.tracking.conftest import attempt_of


def attempt_here(process: int, begun: datetime) -> Attempt:
    return replace(
        attempt_of("RUNNING"),
        host=socket.gethostname(),
        process=process,
        started=begun.astimezone().isoformat(timespec="seconds"),
    )


def test_this_process_is_at_work():
    assert is_there(os.getpid())
    assert is_at_work(attempt_here(os.getpid(), datetime.now()))


@pytest.mark.parametrize("changes", [{"status": "FINISHED"}, {"status": "KILLED"}, {"host": "workshop"}])
def test_what_has_ended_or_is_elsewhere_is_not(changes: dict[str, str]):
    assert not is_at_work(replace(attempt_here(os.getpid(), datetime.now()), **changes))


def test_a_process_that_ended_is_not_at_work():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with process:
        assert is_at_work(attempt_here(process.pid, datetime.now()))
        process.kill()
    assert not is_there(process.pid)
    assert not is_at_work(attempt_here(process.pid, datetime.now()))


def test_a_process_that_ended_and_was_not_asked_after_is_not_at_work():
    """Its number is kept for its parent."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    os.kill(process.pid, 0)
    assert not is_there(process.pid)
    assert not is_at_work(attempt_here(process.pid, datetime.now()))
    process.wait()


def test_another_process_of_the_same_number_is_not_at_work():
    """In containers the first process of each has the same number."""
    assert not is_at_work(attempt_here(os.getpid(), datetime.now() - timedelta(days=1)))


def test_a_process_of_somebody_else_is_there(monkeypatch: pytest.MonkeyPatch):
    def refuse(process: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert is_there(1)


def test_a_number_that_no_process_can_have_is_of_none():
    assert not is_there(10**30)
