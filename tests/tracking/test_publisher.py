"""What MLflow has of a run, in a real database."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.tracking.client import Connection
from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.journal import Journal, StepLine
from s2v_runner.tracking.notes import PUBLISHED_NAME
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, write_record
from s2v_runner.tracking.translation import Point
from tests.tracking.conftest import (
    FINISHED_MS,
    STARTED_MS,
    STEPS,
    BuildFolder,
    BuildRecord,
    attempt_of,
    log_steps,
    read_json,
)
from tests.tracking.ledger import Ledger


@pytest.fixture
def ledger(embedded: Destination) -> Ledger:
    """What the embedded database holds."""
    return Ledger(embedded.tracking_uri, embedded.outputs)


def test_a_finished_run_arrives_whole(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "whole", build_record("FINISHED"))
    published = publish(folder, embedded)

    assert published.complete
    assert published.page == f"/#/experiments/{published.experiment_id}/runs/{published.run_id}"
    assert published.page_command is not None
    assert published.page_command.endswith(f"mlflow ui --backend-store-uri 'sqlite:///{embedded.database}'")
    run = ledger.run(published.run_id)
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", STARTED_MS, FINISHED_MS)
    assert run.info.run_name == "2026-03-01 whole"
    assert ledger.artifact_folder(published.run_id).is_relative_to(embedded.outputs / "mlartifacts")
    assert run.data.params == {
        "sampler": "unipc",
        "memory": "auto",
        "prompt": "A woman, speaking",
        "negative_prompt": "",
        "sampler.steps": "4",
        "sampler.shift": "3.0",
        "plan.num_clips": "2",
        "plan.clip_seeds": "[7, 8]",
    }
    tags = {key: run.data.tags[key] for key in ("identity", "kind", "status", "host", "checkpoint")}
    assert tags == {
        "identity": "ab" * 32,
        "kind": "run",
        "status": "FINISHED",
        "host": "workshop",
        "checkpoint": "ef" * 32,
    }
    assert run.data.tags["mlflow.source.git.commit"] == "0123456789"
    assert ledger.artifacts(published.run_id) == {"video.mp4", "run.log", "steps.jsonl", "record.json"}
    assert ledger.artifact(published.run_id, "video.mp4") == b"video.mp4 of whole"


def test_metrics_are_those_of_the_log_and_the_record(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    attempts = (attempt_of("KILLED"), replace(attempt_of("FINISHED"), peak_memory={"host": 2**29}))
    measured = {
        "measures": {
            "mouth_r": {"value": 0.5, "reason": None},
            "mouth_lag": {"value": None, "reason": "the speech is silent"},
        },
        "clip_measures": {"picture_ssim": [0.75, None, 0.25]},
    }
    folder = build_folder(embedded.outputs, "measured", build_record("FINISHED", attempts=attempts, **measured))
    log_steps(folder, clip=1)
    run_id = publish(folder, embedded).run_id

    expected = [
        (clip * STEPS + step, 0.5 + step, STARTED_MS + 1000 * (clip * STEPS + step))
        for clip in range(2)
        for step in range(1, STEPS + 1)
    ]
    assert ledger.history(run_id, "step_seconds") == expected
    # By clip, those that are known.
    assert ledger.history(run_id, "clip.picture_ssim") == [(0, 0.75, FINISHED_MS), (2, 0.25, FINISHED_MS)]
    assert ledger.metrics(run_id) == {
        "step_seconds": 4.5,
        "stage_seconds.sample": 60.0,
        "stage_seconds.load transformer": 25.0,
        "peak_memory_gib.host": 1.0,
        "peak_memory_gib.device": 1.5,
        "seconds_total": 85.0,
        "frames": 160,
        "mouth_r": 0.5,
        "clip.picture_ssim": 0.25,
    }


def test_publishing_again_changes_nothing(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "again", build_record("FINISHED"))
    first = publish(folder, embedded)
    before = ledger.everything(first.run_id)
    assert publish(folder, embedded) == first == published_before(folder, embedded)
    assert ledger.everything(first.run_id) == before


def test_a_run_is_followed_while_it_goes_on(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "followed", build_record("RUNNING", plan={}, frames=None))
    published = publish(folder, embedded)
    assert not published.complete
    assert ledger.run(published.run_id).info.status == "RUNNING"
    assert ledger.metrics(published.run_id) == {"step_seconds": 4.5}
    assert ledger.artifacts(published.run_id) == set()

    log_steps(folder, clip=1)
    write_record(folder, build_record("RUNNING", frames=None))
    assert publish(folder, embedded).run_id == published.run_id
    assert len(ledger.history(published.run_id, "step_seconds")) == 2 * STEPS
    assert ledger.run(published.run_id).data.params["plan.num_clips"] == "2"

    write_record(folder, build_record("FINISHED"))
    assert publish(folder, embedded) == replace(published, complete=True)
    assert len(ledger.history(published.run_id, "step_seconds")) == 2 * STEPS


def test_a_run_that_is_taken_up_goes_on_in_mlflow(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "taken up", build_record("KILLED", frames=None))
    killed = publish(folder, embedded)
    assert killed.complete
    assert ledger.run(killed.run_id).info.status == "KILLED"

    attempts = (attempt_of("KILLED"), attempt_of("RUNNING"))
    write_record(folder, build_record("RUNNING", attempts=attempts, resolved={"sampler": {"steps": 5}}))
    running = publish(folder, embedded)
    assert running == replace(killed, complete=False)
    run = ledger.run(killed.run_id)
    assert run.info.status == run.data.tags["status"] == "RUNNING"
    # MLflow keeps the first value of a param.
    assert (run.data.params["sampler.steps"], run.data.tags["changed.sampler.steps"]) == ("4", "5")

    write_record(folder, build_record("FINISHED", attempts=(attempt_of("KILLED"), attempt_of("FINISHED"))))
    assert publish(folder, embedded).complete
    run = ledger.run(killed.run_id)
    assert run.info.status == run.data.tags["status"] == "FINISHED"
    assert ledger.history(killed.run_id, "seconds_total") == [(1, 42.5, FINISHED_MS), (2, 85.0, FINISHED_MS)]
    assert ledger.artifact(killed.run_id, RECORD_NAME) == (folder / RECORD_NAME).read_bytes()


def test_a_failed_run_is_one_in_mlflow(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    published = publish(build_folder(embedded.outputs, "failed", build_record("FAILED", files={})), embedded)
    assert ledger.run(published.run_id).info.status == "FAILED"
    assert ledger.artifacts(published.run_id) == {"steps.jsonl", "record.json"}


def test_what_is_too_long_is_cut_and_says_so(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    prompt = "".join(chr(0x4E00 + number) for number in range(20_000))
    resolved = {"prompt": prompt, "just": "x" * 6000, "k" * 300: 1}
    folder = build_folder(embedded.outputs, "long", build_record("FINISHED", resolved=resolved))
    params = ledger.run(publish(folder, embedded).run_id).data.params
    assert len(params["prompt"]) == 6000
    assert params["prompt"].endswith(" …[cut, whole in record.json]")
    assert prompt.startswith(params["prompt"].removesuffix(" …[cut, whole in record.json]"))
    assert params["just"] == "x" * 6000
    assert params["k" * 250] == "1"


def test_keys_are_made_legal(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    resolved = {"a/b": 1, "c=d": True, "..": None, "größe": {"ä ö": [1, "ü"]}, "leer": {}}
    stages = {"read/write (all)": 1.0}
    attempts = (replace(attempt_of("FINISHED"), stages=stages),)
    record = build_record("FINISHED", choices={}, resolved=resolved, plan={}, attempts=attempts)
    run = ledger.run(publish(build_folder(embedded.outputs, "odd", record), embedded).run_id)
    assert run.data.params == {"a_b": "1", "c_d": "true", "_": "null", "größe.ä ö": '[1, "ü"]', "leer": "{}"}
    assert run.data.metrics["stage_seconds.read_write _all_"] == 1.0


def test_many_steps_are_sent_once_each_in_batches(
    embedded: Destination,
    ledger: Ledger,
    build_record: BuildRecord,
    build_folder: BuildFolder,
    monkeypatch: pytest.MonkeyPatch,
):
    sizes: list[int] = []
    log_points = Connection.log_points

    def count(connection: Connection, run_id: str, points: Sequence[Point]) -> None:
        sizes.append(len(points))
        log_points(connection, run_id, points)

    monkeypatch.setattr(Connection, "log_points", count)
    folder = build_folder(embedded.outputs, "many", build_record("RUNNING"))
    publish(folder, embedded)
    journal = Journal(folder)
    for number in range(2500):
        journal.add(StepLine(0, 1, number + 1, 1.0, STARTED_MS / 1000 + number))
    journal.close()
    publish(folder, embedded)
    run_id = publish(folder, embedded).run_id
    assert sizes == [STEPS, 1000, 1000, 500]
    assert len(ledger.history(run_id, "step_seconds")) == STEPS + 2500


def test_files_elsewhere_are_not_sent(
    tmp_path: Path, embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    (tmp_path / "copy.mp4").touch()
    (embedded.outputs / "beside.mp4").touch()
    files = {"save_file": str(tmp_path / "copy.mp4"), "beside": "../../../beside.mp4", "page": "pages/compare.html"}
    folder = build_folder(embedded.outputs, "elsewhere", build_record("FINISHED", files=files))
    (folder / "pages").mkdir()
    (folder / "pages" / "compare.html").touch()
    run_id = publish(folder, embedded).run_id
    assert ledger.artifacts(run_id) == {"pages/compare.html", "steps.jsonl", "record.json"}


def test_names_are_those_that_were_asked_for(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "named", build_record("RUNNING"))
    run_id = publish(folder, replace(embedded, run_name="first light", experiment="lamps")).run_id
    run = ledger.run(run_id)
    assert run.info.run_name == "first light"
    assert ledger.experiment(run.info.experiment_id) == "lamps"

    # What somebody renames on MLflow's page stays so.
    ledger.rename(run_id, "second thoughts")
    write_record(folder, build_record("FINISHED"))
    publish(folder, replace(embedded, run_name="first light", experiment="lamps"))
    assert ledger.run(run_id).info.run_name == "second thoughts"


def test_a_record_that_changed_is_sent_again(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "changed", build_record("FINISHED"))
    run_id = publish(folder, embedded).run_id
    write_record(folder, build_record("FINISHED", warnings=("checked again",)))
    before = published_before(folder, embedded)
    assert before is not None
    assert not before.complete
    assert publish(folder, embedded).complete
    assert b"checked again" in ledger.artifact(run_id, RECORD_NAME)


def test_a_run_is_found_again_without_our_notes(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "forgotten", build_record("FINISHED"))
    first = publish(folder, embedded)
    before = ledger.everything(first.run_id)
    (folder / PUBLISHED_NAME).unlink()
    assert published_before(folder, embedded) is None
    assert publish(folder, embedded) == first
    assert ledger.everything(first.run_id) == before


def test_a_run_that_mlflow_lost_is_sent_anew(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "lost", build_record("RUNNING"))
    notes = folder / PUBLISHED_NAME
    first = publish(folder, embedded)
    notes.write_text(notes.read_text().replace(first.run_id, "0" * 32))
    assert publish(folder, embedded) == first
    assert read_json(notes)["destinations"][embedded.tracking_uri]["run_id"] == first.run_id


def test_a_database_that_is_gone_has_nothing(
    tmp_path: Path, embedded: Destination, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "moved", build_record("FINISHED"))
    assert publish(folder, embedded).complete
    elsewhere = replace(embedded, outputs=tmp_path)
    notes = (folder / PUBLISHED_NAME).read_text().replace(str(embedded.database), str(elsewhere.database))
    (folder / PUBLISHED_NAME).write_text(notes)
    assert published_before(folder, elsewhere) is None


def test_a_run_that_was_deleted_stays_deleted(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord, build_folder: BuildFolder
):
    folder = build_folder(embedded.outputs, "deleted", build_record("RUNNING"))
    ledger.delete(publish(folder, embedded).run_id)
    write_record(folder, build_record("FINISHED"))
    with pytest.raises(TrackingError, match="deleted"):
        publish(folder, embedded)
