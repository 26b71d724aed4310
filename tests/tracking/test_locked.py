"""A database that another process has locked: told in plain words, in time, and sent later."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.tracking.client import connect
from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.publisher import publish
from s2v_runner.tracking.reporter import Reporter
from s2v_runner.tracking.sync import sync_runs
from tests.tracking.conftest import BuildFolder, BuildRecord
from tests.tracking.sweeps import define_sweep, lay_sweep

_LOCK = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(sys.argv[2])
print(flush=True)
input()
"""
_PATIENCE = 2.0
# What a busy machine may add.
_SLACK = 5.0


@pytest.fixture
def shared(tmp_path: Path, embedded: Destination) -> Destination:
    """A database of its own, for other processes to lock."""
    with connect(embedded):
        # Tables that are there already save the seconds of making them.
        shutil.copy(embedded.database, tmp_path / embedded.database.name)
    return replace(embedded, outputs=tmp_path, experiment="shared", patience=_PATIENCE)


@contextmanager
def locked(path: Path, statement: str) -> Iterator[None]:
    """While another process holds a lock of this database."""
    command = [sys.executable, "-c", _LOCK, str(path), statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield
        process.kill()


@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"], ids=["from readers", "from writers"])
def test_a_locked_database_is_told_in_plain_words_and_in_time(
    shared: Destination, build_record: BuildRecord, build_folder: BuildFolder, statement: str
):
    folder = build_folder(shared.outputs, "12-00-00_locked", build_record("FINISHED"))
    began = time.monotonic()
    with locked(shared.database, statement):
        with pytest.raises(TrackingError) as caught:
            publish(folder, shared)
        assert time.monotonic() - began < _PATIENCE + _SLACK
    assert str(caught.value) == (
        f"MLflow at '{shared.address}' cannot be told: the database is locked by another process, which does not let "
        "go of it. The run is whole in its folder; `s2v-runner sync` sends it later"
    )
    assert caught.value.away
    assert publish(folder, shared).complete


def test_a_lock_that_is_let_go_of_in_time_is_no_problem(
    shared: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(shared.outputs, "12-00-00_waits", build_record("FINISHED"))
    patient = replace(shared, patience=60.0)
    with locked(shared.database, "BEGIN EXCLUSIVE"):
        reporter = Reporter(folder, patient)
        reporter.changed()
        time.sleep(0.5)
    outcome = reporter.close()
    assert outcome.problem is None
    assert outcome.published is not None
    assert outcome.published.complete


def test_a_run_goes_on_and_is_sent_later(shared: Destination, build_record: BuildRecord):
    definition = define_sweep("locked", 2)
    sweep = lay_sweep(shared.outputs, build_record, definition, "FINISHED", ["FINISHED", "FINISHED"])
    elsewhere = replace(shared, uri=shared.tracking_uri)
    with locked(shared.database, "BEGIN EXCLUSIVE"):
        reporter = Reporter(sweep / "points" / definition.points[0].folder_name, shared)
        began = time.monotonic()
        outcome = reporter.close()
        assert time.monotonic() - began < _PATIENCE + _SLACK
        assert outcome.published is None
        assert outcome.problem is not None
        assert "the database is locked by another process" in outcome.problem

        # Those behind the first do not wait as well.
        began = time.monotonic()
        synced = list(sync_runs(shared.outputs, lambda _: elsewhere))
        assert time.monotonic() - began < _PATIENCE + _SLACK
        assert [problem and "is locked" in problem for _, _, problem in synced] == [True] * 3

    synced = list(sync_runs(shared.outputs, lambda _: elsewhere))
    assert [folder for folder, _, _ in synced] == [sweep, *sorted((sweep / "points").iterdir())]
    assert all(published and published.complete and problem is None for _, published, problem in synced)
