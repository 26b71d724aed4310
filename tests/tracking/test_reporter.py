"""The thread that tells MLflow of a run, and never disturbs it."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.tracking import reporter as reporting
from s2v_runner.tracking.destination import Destination, Published, TrackingError
from s2v_runner.tracking.record import write_record
from s2v_runner.tracking.reporter import NoReporter, Outcome, Reporter
from tests.tracking.conftest import STEPS, BuildFolder, BuildRecord, log_steps
from tests.tracking.ledger import Ledger

PUBLISHED = Published("run", "1", "uri", True, "page", None)
_PATIENCE = 5.0


class Publishing:
    """Takes the place of `publish`: each call waits until it is let go, and then fails where it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.at_once = 0
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.problem: Exception | None = None

    def __call__(self, folder: Path, destination: Destination) -> Published:
        self.calls += 1
        self.at_once += 1
        assert self.at_once == 1
        self.begun.release()
        self.let_go.acquire(timeout=_PATIENCE)
        self.at_once -= 1
        if self.problem is not None:
            raise self.problem
        return PUBLISHED


@pytest.fixture
def publishing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publishing]:
    publishing = Publishing()
    monkeypatch.setattr(reporting, "publish", publishing)
    yield publishing
    publishing.let_go.release(100)


@pytest.fixture
def nowhere(tmp_path: Path) -> Destination:
    return Destination("http://127.0.0.1:1", "reports", None, tmp_path, _PATIENCE)


def test_no_reporter_reports_nothing():
    reporter = NoReporter()
    reporter.changed()
    assert reporter.close() == Outcome(None, None)


def test_a_run_is_reported_while_it_goes_on(
    embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "reported", build_record("RUNNING"))
    reporter = Reporter(folder, replace(embedded, patience=60.0))
    reporter.changed()
    log_steps(folder, clip=1)
    reporter.changed()
    write_record(folder, build_record("FINISHED"))
    outcome = reporter.close()
    assert outcome.problem is None
    assert outcome.published is not None
    assert outcome.published.complete
    ledger = Ledger(embedded.tracking_uri, embedded.outputs)
    assert ledger.run(outcome.published.run_id).info.status == "FINISHED"
    assert len(ledger.history(outcome.published.run_id, "step_seconds")) == 2 * STEPS


def test_changes_do_not_wait_and_become_one(publishing: Publishing, nowhere: Destination):
    reporter = Reporter(Path(), nowhere)
    reporter.changed()
    assert publishing.begun.acquire(timeout=_PATIENCE)
    for _ in range(100):
        reporter.changed()
    assert publishing.calls == 1
    publishing.let_go.release()
    assert publishing.begun.acquire(timeout=_PATIENCE)
    publishing.let_go.release(2)
    assert reporter.close() == Outcome(PUBLISHED, None)
    # The first, one for the hundred, and the last.
    assert publishing.calls == 3


def test_after_a_failure_it_is_quiet_until_the_end(publishing: Publishing, nowhere: Destination):
    publishing.let_go.release(100)
    publishing.problem = TrackingError("there", "is asleep", away=True)
    reporter = Reporter(Path(), nowhere)
    reporter.changed()
    assert publishing.begun.acquire(timeout=_PATIENCE)
    for _ in range(10):
        reporter.changed()
        assert not publishing.begun.acquire(timeout=0.01)
    publishing.problem = None
    assert reporter.close() == Outcome(PUBLISHED, None)
    assert publishing.calls == 2


def test_what_fails_at_the_end_is_told(publishing: Publishing, nowhere: Destination):
    publishing.let_go.release(100)
    reporter = Reporter(Path(), nowhere)
    reporter.changed()
    assert publishing.begun.acquire(timeout=_PATIENCE)
    publishing.problem = MemoryError()
    assert reporter.close() == Outcome(PUBLISHED, "MemoryError")


def test_the_end_waits_no_longer_than_patience(publishing: Publishing, nowhere: Destination):
    reporter = Reporter(Path(), replace(nowhere, patience=0.2))
    reporter.changed()
    assert publishing.begun.acquire(timeout=_PATIENCE)
    began = time.monotonic()
    outcome = reporter.close()
    assert 0.2 <= time.monotonic() - began < 3
    assert outcome.published is None
    assert outcome.problem is not None
    assert "has not taken it within 0.2 s" in outcome.problem


def test_a_dead_server_is_one_problem(nowhere: Destination, build_record: BuildRecord, build_folder: BuildFolder):
    folder = build_folder(nowhere.outputs, "dead", build_record("FINISHED"))
    reporter = Reporter(folder, nowhere)
    reporter.changed()
    outcome = reporter.close()
    assert outcome.published is None
    assert outcome.problem is not None
    assert "Connection refused" in outcome.problem


def test_a_process_ends_quietly_whatever_the_server_does(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(tmp_path, "left", build_record("FINISHED"))
    code = """
import sys, time
from pathlib import Path
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.reporter import Reporter
reporter = Reporter(Path(sys.argv[1]), Destination(sys.argv[2], "left", None, Path(sys.argv[1]), 0.5))
reporter.changed()
# Until the thread waits for the server, which takes a connection and never answers.
sys.stdin.readline()
began = time.monotonic()
assert "has not taken it" in str(reporter.close().problem)
assert time.monotonic() - began < 3
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        command = [sys.executable, "-c", code, str(folder), f"http://127.0.0.1:{silent.getsockname()[1]}"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        connection, _ = silent.accept()
        began = time.monotonic()
        output, _ = process.communicate("go\n", timeout=60)
        connection.close()
    assert (process.returncode, output) == (0, "")
    assert time.monotonic() - began < 15
