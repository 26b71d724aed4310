"""Sweeps that MLflow missed are sent later, each before its points; those whose processes are gone have ended."""

import os
import socket
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from s2v_runner.tracking import sync
from s2v_runner.tracking.definition import write_definition
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.folder import find_runs, find_sweeps, hold, is_sweep_alive
from s2v_runner.tracking.publisher import publish
from s2v_runner.tracking.record import RECORD_NAME, Record, read_record, write_record
from s2v_runner.tracking.recorder import VANISHED
from s2v_runner.tracking.sync import sync_runs
from s2v_runner.tracking.translation import PARENT_TAG
from tests.tracking.conftest import BuildFolder, BuildRecord, attempt_of
from tests.tracking.ledger import Ledger
from tests.tracking.sweeps import define_sweep, lay_sweep, record_of, write_page


@pytest.fixture
def destination(tmp_path: Path, embedded: Destination) -> Destination:
    """The embedded database of the module, for sweeps of a folder of their own."""
    return replace(embedded, uri=embedded.tracking_uri, outputs=tmp_path)


def at_work_here(record: Record) -> Record:
    """As if this process were making the points."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    attempt = replace(record.attempts[-1], host=socket.gethostname(), process=os.getpid(), started=now)
    return replace(record, attempts=(*record.attempts[:-1], attempt))


def test_runs_and_points_are_found_in_order(tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    run = build_folder(tmp_path, "12-00-00_run", build_record("FINISHED"))
    states = ("FINISHED", None, "FAILED")
    sweeps = [lay_sweep(tmp_path, build_record, define_sweep(name, 3), "RUNNING", states) for name in ("a", "b")]
    ordered = sorted(sweeps)
    points = [folder for sweep in ordered for folder in sorted((sweep / "points").iterdir())]
    assert len(points) == 4
    assert list(find_runs(tmp_path)) == [run, *points]
    assert list(find_sweeps(tmp_path)) == ordered


def test_a_sweep_goes_before_its_points(destination: Destination, build_record: BuildRecord, build_folder: BuildFolder):
    outputs = destination.outputs
    run = build_folder(outputs, "12-00-00_before", build_record("FINISHED"))
    definition = define_sweep("before", 2)
    sweep = lay_sweep(outputs, build_record, definition, "FINISHED", ["FINISHED", "FINISHED"])
    untouched = lay_sweep(outputs, build_record, define_sweep("untouched", 1), "FAILED", [None])
    write_page(sweep, "page")
    # Of this one there is nothing to tell.
    defined = outputs / "sweeps" / "defined"
    defined.mkdir()
    write_definition(defined, define_sweep("defined", 1))

    synced = list(sync_runs(outputs, lambda _: destination))
    points = [sweep / "points" / point.folder_name for point in definition.points]
    assert [folder for folder, _, _ in synced] == [run, sweep, *points, untouched]
    assert all(published and published.complete and problem is None for _, published, problem in synced)
    _, (_, parent, _), (_, child, _), *_ = synced
    assert parent is not None
    assert child is not None
    ledger = Ledger(destination.tracking_uri, outputs)
    assert ledger.run(child.run_id).data.tags[PARENT_TAG] == parent.run_id
    assert list(sync_runs(outputs, lambda _: destination)) == synced

    write_page(sweep, "another page")
    assert list(sync_runs(outputs, lambda _: destination)) == synced
    assert ledger.artifact(parent.run_id, "comparison.html") == b"another page"


def test_where_nothing_answers_a_sweep_is_tried_for_all(
    tmp_path: Path, build_record: BuildRecord, monkeypatch: pytest.MonkeyPatch
):
    sweep = lay_sweep(tmp_path, build_record, define_sweep("dead", 2), "FINISHED", ["FINISHED", "FINISHED"])
    tried: list[Path] = []

    def try_to_publish(folder: Path, destination: Destination):
        tried.append(folder)
        return publish(folder, destination)

    monkeypatch.setattr(sync, "publish", try_to_publish)
    dead = Destination("http://127.0.0.1:1", "dead", None, tmp_path, 1.0)
    problems = [problem for _, _, problem in sync_runs(tmp_path, lambda _: dead)]
    assert [problem and "Connection refused" in problem for problem in problems] == [True] * 3
    assert tried == [sweep]


def test_a_sweep_whose_processes_are_gone_was_killed(tmp_path: Path, build_record: BuildRecord):
    definition = define_sweep("gone", 3)
    sweep = lay_sweep(tmp_path, build_record, definition, "RUNNING", ["FINISHED", "RUNNING", None])
    earlier = (attempt_of("FAILED"), attempt_of("RUNNING"), attempt_of("RUNNING"))
    write_record(sweep, record_of(build_record, definition, "RUNNING", attempts=earlier))
    last_sign = sweep / "points" / definition.points[1].folder_name / "steps.jsonl"
    os.utime(last_sign, (4e9, 4e9))
    assert not is_sweep_alive(sweep)
    list(sync_runs(tmp_path, lambda _: None))
    record = read_record(sweep)
    assert record.status == "KILLED"
    assert record.plan == {"points": 3, "finished": 1, "failed": 0}
    assert [attempt.status for attempt in record.attempts] == ["FAILED", "KILLED", "KILLED"]
    assert [attempt.error for attempt in record.attempts[1:]] == [VANISHED] * 2
    assert record.attempts[-1].finished is not None
    assert datetime.fromisoformat(record.attempts[-1].finished).timestamp() == 4e9


def test_a_sweep_goes_on_whose_process_is_there(tmp_path: Path, build_record: BuildRecord):
    definition = define_sweep("there", 1)
    sweep = lay_sweep(tmp_path, build_record, definition, "RUNNING", [None])
    write_record(sweep, at_work_here(read_record(sweep)))
    assert is_sweep_alive(sweep)
    list(sync_runs(tmp_path, lambda _: None))
    assert read_record(sweep).status == "RUNNING"


def test_a_sweep_goes_on_one_of_whose_points_is_held(tmp_path: Path, build_record: BuildRecord):
    """By a process of another machine, say."""
    definition = define_sweep("held", 2)
    sweep = lay_sweep(tmp_path, build_record, definition, "RUNNING", ["FINISHED", "RUNNING"])
    folder = sweep / "points" / definition.points[1].folder_name
    lock = hold(folder)
    assert lock is not None
    assert is_sweep_alive(sweep)
    list(sync_runs(tmp_path, lambda _: None))
    assert (read_record(sweep).status, read_record(folder).status) == ("RUNNING", "RUNNING")
    lock.release()
    assert not is_sweep_alive(sweep)


def test_a_sweep_whose_record_is_being_written_is_left_alone(tmp_path: Path, build_record: BuildRecord):
    sweep = lay_sweep(tmp_path, build_record, define_sweep("written", 1), "RUNNING", [None])
    lock = hold(sweep)
    assert lock is not None
    list(sync_runs(tmp_path, lambda _: None))
    assert read_record(sweep).status == "RUNNING"
    lock.release()


def test_a_damaged_sweep_does_not_stop_the_others(destination: Destination, build_record: BuildRecord):
    outputs = destination.outputs
    bad, good = (
        lay_sweep(outputs, build_record, define_sweep(name, 1), "FINISHED", ["FINISHED"]) for name in ("bad", "good")
    )
    (bad / RECORD_NAME).write_text("{")
    assert not is_sweep_alive(bad)
    synced = {folder: problem for folder, _, problem in sync_runs(outputs, lambda _: destination)}
    for folder, problem in synced.items():
        assert (problem is None) == folder.is_relative_to(good), folder
        assert problem is None or str(bad) in problem
    assert len(synced) == 4
