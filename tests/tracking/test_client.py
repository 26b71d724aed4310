"""Reaching MLflow: quietly, one at a time, and with a reason where it cannot be."""

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from s2v_runner.errors import InputError
from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.notes import PUBLISHED_NAME
from s2v_runner.tracking.publisher import publish
from s2v_runner.tracking.record import write_record
from tests.tracking.conftest import BuildFolder, BuildRecord
from tests.tracking.ledger import Ledger

TRACKING = "s2v_runner.tracking."


def test_nothing_of_ours_imports_mlflow():
    modules = ", ".join(TRACKING + name for name in ("publisher", "reporter", "sync"))
    code = f"import sys, {modules}; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_notes_that_are_damaged_are_named(embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder):
    folder = build_folder(embedded.outputs, "noted", build_record("FINISHED"))
    for damage in ("", "[]", '{"format": 2, "destinations": {}}', "{}"):
        (folder / PUBLISHED_NAME).write_text(damage)
        with pytest.raises(InputError, match=PUBLISHED_NAME):
            publish(folder, embedded)


def test_a_run_is_published_by_one_process_at_a_time(
    embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "contended", build_record("FINISHED"))
    with (
        FileLock(folder / ".published.lock"),
        pytest.raises(TrackingError, match="another process") as caught,
    ):
        publish(folder, replace(embedded, patience=0.1))
    assert not caught.value.away


def test_a_database_that_cannot_be_opened_is_given_up_at_once(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(tmp_path, "shut", build_record("FINISHED"))
    (tmp_path / "mlflow.db").mkdir()
    began = time.monotonic()
    with pytest.raises(TrackingError, match="unable to open database file"):
        publish(folder, Destination(None, "shut", None, tmp_path, 1.0))
    assert time.monotonic() - began < 15


def test_a_folder_that_no_address_can_name_is_refused(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder
):
    outputs = tmp_path / "what?" / "outputs"
    folder = build_folder(outputs, "asked", build_record("FINISHED"))
    with pytest.raises(TrackingError, match=r"no place for the '\?'"):
        publish(folder, Destination(None, "asked", None, outputs, 1.0))


@pytest.mark.parametrize(
    ("uri", "reason"),
    [(None, "file is not a database"), ("file:///tmp/mlruns", "file"), ("gopher://hole", "gopher")],
    ids=["no database", "a file store", "another scheme"],
)
def test_what_mlflow_refuses_is_said_at_once(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder, uri: str | None, reason: str
):
    folder = build_folder(tmp_path, "refused", build_record("FINISHED"))
    (tmp_path / "mlflow.db").write_text("no database " * 100)
    destination = Destination(uri=uri, experiment="refused", run_name=None, outputs=tmp_path, patience=1.0)
    began = time.monotonic()
    with pytest.raises(TrackingError, match=reason) as caught:
        publish(folder, destination)
    assert not caught.value.away
    assert "s2v-runner sync" in str(caught.value)
    assert destination.address in str(caught.value)
    assert time.monotonic() - began < 15


def test_passwords_stay_out_of_sight(tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder):
    folder = build_folder(tmp_path, "secret", build_record("FINISHED"))
    destination = Destination("http://ada:s3cret@127.0.0.1:1/", "secret", None, tmp_path, 1.0)
    with pytest.raises(TrackingError) as caught:
        publish(folder, destination)
    assert "'http://127.0.0.1:1'" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_settings_of_the_user_stay(
    embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setenv("MLFLOW_LOGGING_LEVEL", "error")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    publish(build_folder(embedded.outputs, "set", build_record("FINISHED")), embedded)
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "10"
    assert logging.getLogger("mlflow").level == logging.ERROR


def test_a_database_whose_making_was_cut_short_is_made_anew(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder, monkeypatch: pytest.MonkeyPatch
):
    folder = build_folder(tmp_path, "cut short", build_record("FINISHED"))
    destination = Destination(None, "cut short", None, tmp_path, 10.0)

    def run_out(*_: object) -> None:
        raise OSError(28, "No space left on device")

    import mlflow.store.db.utils

    monkeypatch.setattr(mlflow.store.db.utils, "_upgrade_db", run_out)
    with pytest.raises(TrackingError, match="No space left on device"):
        publish(folder, destination)
    assert not destination.database.exists()
    monkeypatch.undo()
    assert publish(folder, destination).complete
    assert not list(tmp_path.glob(".mlflow.db.unfinished-*"))


def test_two_processes_may_publish_the_first_runs_at_once(
    tmp_path: Path, build_record: BuildRecord, build_folder: BuildFolder, capfd: pytest.CaptureFixture[str]
):
    # Forked, so that neither waits for imports and both come upon the same empty folder.
    context = multiprocessing.get_context("fork")
    destination = Destination(None, "at once", None, tmp_path, 10.0)
    processes = []
    for name in ("one", "other"):
        folder = build_folder(tmp_path, name, build_record("FINISHED"))
        processes.append(context.Process(target=publish, args=(folder, destination), daemon=True))
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    # Not a word of the tables that were made.
    assert capfd.readouterr() == ("", "")

    ledger = Ledger(destination.tracking_uri, tmp_path)
    experiments = {ledger.experiment(ledger.run(run_id).info.experiment_id) for run_id in ledger.run_ids()}
    assert len(ledger.run_ids()) == 2
    assert experiments == {"at once"}


def test_a_file_that_was_being_sent_when_its_process_was_killed_is_taken_away(
    embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    ledger = Ledger(embedded.tracking_uri, embedded.outputs)
    folder = build_folder(embedded.outputs, "cut", build_record("RUNNING"))
    artifacts = ledger.artifact_folder(publish(folder, embedded).run_id)
    (artifacts / "comparison").mkdir(parents=True)
    # As MLflow calls them.
    for place in (artifacts, artifacts / "comparison"):
        (place / ".artifact.uploading.zdf4q7ae").write_text("half of it")
    write_record(folder, build_record("FINISHED"))
    published = publish(folder, embedded)
    assert ledger.artifacts(published.run_id) == {"video.mp4", "run.log", "steps.jsonl", "record.json"}
