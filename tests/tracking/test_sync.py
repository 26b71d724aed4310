"""What MLflow missed is sent later, and what only it has comes back."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from s2v_runner.errors import InputError
from s2v_runner.tracking import sync
from s2v_runner.tracking.destination import Destination, Published
from s2v_runner.tracking.folder import hold
from s2v_runner.tracking.notes import PUBLISHED_NAME
from s2v_runner.tracking.publisher import publish
from s2v_runner.tracking.record import RECORD_NAME, read_record, write_record
from s2v_runner.tracking.recorder import VANISHED
from s2v_runner.tracking.sync import fetch_record, sync_runs
from tests.tracking.conftest import BuildFolder, BuildRecord, read_json
from tests.tracking.ledger import Ledger


@pytest.fixture
def destination(tmp_path: Path, embedded: Destination) -> Destination:
    """The embedded database of the module, for runs of a folder of their own."""
    return replace(embedded, uri=embedded.tracking_uri, outputs=tmp_path)


def test_runs_are_sent_oldest_first(destination: Destination, build_record: BuildRecord, build_folder: BuildFolder):
    outputs = destination.outputs
    later = build_folder(outputs, "12-00-01_sync", build_record("FAILED"))
    first = build_folder(outputs, "12-00-00_sync", build_record("FINISHED"))
    synced = list(sync_runs(outputs, lambda _: destination))
    assert [(folder, published and published.complete, problem) for folder, published, problem in synced] == [
        (first, True, None),
        (later, True, None),
    ]
    assert list(sync_runs(outputs, lambda _: destination)) == synced


def test_a_run_whose_process_is_gone_was_killed(
    destination: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(destination.outputs, "12-00-00_gone", build_record("RUNNING"))
    # Cut to whole seconds, a run that was lost in its first second would have ended before it began.
    last_sign = datetime.now().replace(microsecond=900_000).timestamp()
    for file in folder.iterdir():
        os.utime(file, (last_sign, last_sign))
    ((_, published, problem),) = sync_runs(destination.outputs, lambda _: destination)
    assert problem is None
    assert published is not None
    assert published.complete
    record = read_record(folder)
    assert (record.status, record.error) == ("KILLED", VANISHED)
    assert record.attempts[-1].finished is not None
    assert abs(datetime.fromisoformat(record.attempts[-1].finished).timestamp() - last_sign) < 0.01
    assert Ledger(destination.tracking_uri, destination.outputs).run(published.run_id).info.status == "KILLED"


def test_a_run_whose_process_works_goes_on(
    destination: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(destination.outputs, "12-00-00_alive", build_record("RUNNING"))
    lock = hold(folder)
    assert lock is not None
    ((_, published, problem),) = sync_runs(destination.outputs, lambda _: destination)
    lock.release()
    assert problem is None
    assert published is not None
    assert not published.complete
    assert read_record(folder).status == "RUNNING"
    assert Ledger(destination.tracking_uri, destination.outputs).run(published.run_id).info.status == "RUNNING"


def test_a_run_that_ends_while_it_is_looked_at_is_not_killed(
    destination: Destination, build_record: BuildRecord, build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
):
    folder = build_folder(destination.outputs, "12-00-00_ending", build_record("RUNNING"))

    def hold_late(path: Path):
        write_record(path, build_record("FINISHED"))
        return hold(path)

    monkeypatch.setattr(sync, "hold", hold_late)
    list(sync_runs(destination.outputs, lambda _: None))
    assert read_record(folder).status == "FINISHED"


def test_runs_without_a_destination_stay_untold(tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    folder = build_folder(tmp_path, "12-00-00_untold", build_record("RUNNING"))
    assert list(sync_runs(tmp_path, lambda _: None)) == [(folder, None, None)]
    assert read_record(folder).status == "KILLED"


def test_where_nothing_answers_is_tried_once(
    embedded: Destination,
    tmp_path: Path,
    build_record: BuildRecord,
    build_folder: BuildFolder,
    monkeypatch: pytest.MonkeyPatch,
):
    dead = Destination("http://127.0.0.1:1", "s2v_runner", None, tmp_path, 1.0)
    there = Destination(embedded.tracking_uri, "s2v_runner", None, tmp_path, 1.0)
    folders = [
        build_folder(tmp_path, f"12-00-0{number}_dead", build_record("FINISHED", base_seed=number))
        for number in range(4)
    ]
    # The last one had arrived before the server died.
    publish(folders[3], there)
    notes = folders[3] / PUBLISHED_NAME
    notes.write_text(notes.read_text().replace(there.address, dead.address))
    tried: list[Path] = []

    def try_to_publish(folder: Path, destination: Destination) -> Published:
        tried.append(folder)
        return publish(folder, destination)

    monkeypatch.setattr(sync, "publish", try_to_publish)
    # The third has somewhere else to go.
    *unsent, third, last = sync_runs(tmp_path, lambda record: there if record.base_seed == 2 else dead)
    assert [problem and "Connection refused" in problem for _, _, problem in unsent] == [True, True]
    assert (third[1] is not None, third[2]) == (True, None)
    assert (last[1] is not None and last[1].complete, last[2]) == (True, None)
    assert tried == [folders[0], folders[2]]


def test_a_damaged_run_does_not_stop_the_others(
    destination: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    outputs = destination.outputs
    damaged = [build_folder(outputs, f"12-00-0{number}_damaged", build_record("FINISHED")) for number in range(3)]
    (damaged[0] / RECORD_NAME).write_text("{")
    (damaged[1] / "published.json").write_text("{")
    (damaged[2] / RECORD_NAME).write_text(json.dumps({**read_json(damaged[2] / RECORD_NAME), "attempts": []}))
    build_folder(outputs, "12-00-09_sound", build_record("FINISHED"))
    *bad, (_, published, problem) = sync_runs(outputs, lambda _: destination)
    assert [(folder, published) for folder, published, _ in bad] == [(folder, None) for folder in damaged]
    assert all(problem and str(folder) in problem for folder, _, problem in bad)
    assert published is not None
    assert problem is None


def test_runs_that_are_there_are_told_without_mlflow(
    destination: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    build_folder(destination.outputs, "12-00-00_there", build_record("FINISHED"))
    list(sync_runs(destination.outputs, lambda _: destination))
    code = """
import sys
from pathlib import Path
from s2v_runner.tracking.destination import Destination, Published
from s2v_runner.tracking.recorder import VANISHED
from s2v_runner.tracking.sync import sync_runs
destination = Destination(sys.argv[1], "s2v_runner", None, Path(sys.argv[2]), 1.0)
((_, published, problem),) = sync_runs(Path(sys.argv[2]), lambda _: destination)
assert published.complete and problem is None
assert "mlflow" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-c", code, destination.tracking_uri, str(destination.outputs)], check=True, timeout=30
    )


def test_a_record_comes_back_from_the_database(
    tmp_path: Path, embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    record = build_record("FINISHED")
    published = publish(build_folder(embedded.outputs, "12-00-00_fetched", record), embedded)
    assert read_record(fetch_record(published.run_id, embedded, tmp_path / "fetched")) == record


@pytest.mark.parametrize("run_id", ["0" * 32, "no run at all", "../../etc"])
def test_a_run_that_mlflow_does_not_know_is_named(tmp_path: Path, embedded: Destination, run_id: str):
    with pytest.raises(InputError, match="does not know it"):
        fetch_record(run_id, embedded, tmp_path)


def test_a_run_that_is_not_ours_has_no_record(
    tmp_path: Path, destination: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(destination.outputs, "12-00-00_early", build_record("RUNNING"))
    lock = hold(folder)
    assert lock is not None
    ((_, published, _),) = sync_runs(destination.outputs, lambda _: destination)
    lock.release()
    assert published is not None
    with pytest.raises(InputError, match=r"no record\.json"):
        fetch_record(published.run_id, destination, tmp_path)


def test_no_database_is_made_to_look_a_run_up(tmp_path: Path):
    destination = Destination(None, "s2v_runner", None, tmp_path, 1.0)
    with pytest.raises(InputError, match=r"mlflow\.db"):
        fetch_record("0" * 32, destination, tmp_path)
    assert list(tmp_path.iterdir()) == []
