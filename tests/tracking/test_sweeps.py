"""What MLflow has of a sweep and its points, in a real database."""

import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.errors import InputError
from s2v_runner.tracking import publisher
from s2v_runner.tracking.client import connect
from s2v_runner.tracking.definition import SearchDefinition, TrialDefinition
from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.notes import PUBLISHED_NAME, Sent, write_sent
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, read_record, write_record
from s2v_runner.tracking.translation import KEY_TAG, PARENT_TAG, key_of
from tests.tracking.conftest import STARTED_MS, STEPS, BuildRecord, attempt_of, read_json
from tests.tracking.ledger import Ledger
from tests.tracking.sweeps import define_sweep, lay_point, lay_sweep, minutes_after, record_of, write_page

_PATIENCE = 60


@pytest.fixture
def ledger(embedded: Destination) -> Ledger:
    """What the embedded database holds."""
    return Ledger(embedded.tracking_uri, embedded.outputs)


@pytest.fixture
def alone(tmp_path: Path, embedded: Destination) -> Destination:
    """A database that no other test writes to, for processes of their own: MLflow cannot share one with a fork."""
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    with connect(embedded):
        # Tables that are there already save the seconds of making them.
        shutil.copy(embedded.database, outputs / embedded.database.name)
    return replace(embedded, outputs=outputs, experiment="alone", patience=20.0)


def runs_of(ledger: Ledger, sweep: Path) -> list[str]:
    """The runs that MLflow has of a sweep itself."""
    key = key_of(sweep, read_record(sweep))
    return [run_id for run_id in ledger.run_ids() if ledger.run(run_id).data.tags.get(KEY_TAG) == key]


def runs_in(ledger: Ledger, experiment: str) -> set[str]:
    runs = map(ledger.run, ledger.run_ids())
    return {run.info.run_id for run in runs if ledger.experiment(run.info.experiment_id) == experiment}


def parent_of(ledger: Ledger, run_id: str) -> str:
    return ledger.run(run_id).data.tags[PARENT_TAG]


def test_a_point_is_a_child_of_its_sweep(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("child", 3)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", [None, None, "FINISHED"])
    point = sweep / "points" / definition.points[2].folder_name
    published = publish(point, embedded)
    assert published.complete
    child = ledger.run(published.run_id)
    assert child.info.run_name == "03 steps=40 guide_scale=4.5"
    assert (child.data.tags["sweep"], child.data.tags["point"]) == (definition.identity, "3")
    assert (child.data.tags["kind"], child.data.tags["identity"]) == ("point", definition.points[2].identity)
    assert ledger.artifacts(published.run_id) == {"video.mp4", "run.log", "steps.jsonl", "record.json"}
    assert len(ledger.history(published.run_id, "step_seconds")) == STEPS

    # The sweep is there for its points, with its name, and is not sent with each of them.
    (parent,) = runs_of(ledger, sweep)
    assert parent == parent_of(ledger, published.run_id)
    run = ledger.run(parent)
    assert (run.info.run_name, run.info.status, run.info.start_time) == ("steps × guide_scale", "RUNNING", STARTED_MS)
    assert run.data.tags["kind"] == "sweep"
    assert run.data.params == run.data.metrics == {}
    assert ledger.artifacts(parent) == set()
    before = published_before(sweep, embedded)
    assert before is not None
    assert (before.run_id, before.complete) == (parent, False)


def test_a_sweep_arrives_whole(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("whole", 3, title="Guidance")
    sweep = lay_sweep(embedded.outputs, build_record, definition, "FAILED", ["FINISHED", "FAILED", "FINISHED"])
    write_page(sweep, "a page")
    published = publish(sweep, embedded)
    assert published.complete
    run = ledger.run(published.run_id)
    assert (run.info.run_name, run.info.status, run.info.start_time) == ("Guidance", "FAILED", STARTED_MS)
    assert run.info.end_time == STARTED_MS + 3600_000
    assert run.data.params["swept.sampler.steps"] == "10, 20, 40"
    assert run.data.params["prompt"] == "A woman, speaking"
    assert run.data.tags["identity"] == definition.identity
    assert run.data.tags["mlflow.note.content"].startswith("**Guidance**")
    assert run.data.metrics == {"points": 3, "finished": 2, "failed": 1}
    counts = [(step, value) for step, value, _ in ledger.history(published.run_id, "finished")]
    assert counts == [(0, 0), (120, 1), (180, 1), (240, 2), (3600, 2)]
    assert ledger.artifacts(published.run_id) == {"sweep.json", "comparison.html", "comparison.csv", "record.json"}

    before = ledger.everything(published.run_id)
    assert publish(sweep, embedded) == published == published_before(sweep, embedded)
    assert ledger.everything(published.run_id) == before


def test_a_sweep_is_followed_while_it_goes_on(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("followed", 2)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", ["FINISHED", None])
    running = publish(sweep, embedded)
    assert not running.complete
    assert ledger.metrics(running.run_id) == {"points": 2, "finished": 1, "failed": 0}
    assert ledger.artifacts(running.run_id) == set()

    lay_point(sweep, build_record, 2, "FINISHED")
    write_record(sweep, record_of(build_record, definition, "FINISHED"))
    assert publish(sweep, embedded) == replace(running, complete=True)
    assert ledger.metrics(running.run_id)["finished"] == 2
    assert len(ledger.history(running.run_id, "finished")) == 4


def test_a_page_that_is_made_anew_is_sent_again(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("page", 1)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "FINISHED", ["FINISHED"])
    published = publish(sweep, embedded)
    assert published.complete
    histories = ledger.everything(published.run_id)["histories"]
    for page in ("first", "second"):
        write_page(sweep, page)
        before = published_before(sweep, embedded)
        assert before is not None
        assert not before.complete
        assert publish(sweep, embedded) == published
        assert ledger.artifact(published.run_id, "comparison.html").decode() == page
    assert ledger.everything(published.run_id)["histories"] == histories


def test_a_sweep_that_is_taken_up_goes_on_in_mlflow(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("taken up", 1)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "FAILED", ["FAILED"])
    run_id = publish(sweep, embedded).run_id
    attempts = (attempt_of("FAILED"), attempt_of("RUNNING"))
    write_record(sweep, record_of(build_record, definition, "RUNNING", attempts=attempts))
    assert publish(sweep, embedded).run_id == run_id
    assert ledger.run(run_id).info.status == "RUNNING"

    # The point that failed was taken away, and made anew.
    shutil.rmtree(sweep / "points")
    lay_point(sweep, build_record, 1, "FINISHED")
    attempts = (attempt_of("FAILED"), replace(attempt_of("FINISHED"), finished=minutes_after("2026-03-01T13:00", 60)))
    write_record(sweep, record_of(build_record, definition, "FINISHED", attempts=attempts))
    assert publish(sweep, embedded).run_id == run_id
    assert ledger.run(run_id).info.status == "FINISHED"
    assert ledger.metrics(run_id) == {"points": 1, "finished": 1, "failed": 0}


def test_points_take_the_name_that_was_asked_for(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("named", 1)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", ["FINISHED"])
    destination = replace(embedded, run_name="first light", experiment="lamps")
    run = ledger.run(publish(sweep / "points" / definition.points[0].folder_name, destination).run_id)
    assert run.info.run_name == "first light 01"
    parent = ledger.run(parent_of(ledger, run.info.run_id))
    assert parent.info.run_name == "first light"
    assert parent.info.experiment_id == run.info.experiment_id


def test_points_of_two_sweeps_that_began_together_are_two(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord
):
    """The same first point, made in the same second by the same process."""
    children = []
    for name in ("one", "other"):
        definition = define_sweep(name, 1)
        sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", ["FINISHED"])
        children.append(publish(sweep / "points" / definition.points[0].folder_name, embedded).run_id)
    assert len(set(children)) == len({parent_of(ledger, child) for child in children}) == 2


def test_a_point_keeps_its_key(tmp_path: Path, build_record: BuildRecord):
    definition = define_sweep("kept", 1)
    sweep = lay_sweep(tmp_path / "outputs", build_record, definition, "RUNNING", ["KILLED"])
    name = f"points/{definition.points[0].folder_name}"
    key = key_of(sweep / name, read_record(sweep / name))
    attempts = (attempt_of("KILLED"), attempt_of("FINISHED"))
    write_record(sweep / name, replace(read_record(sweep / name), attempts=attempts))
    moved = (tmp_path / "outputs").rename(tmp_path / "elsewhere") / "sweeps" / sweep.name / name
    assert key_of(moved, read_record(moved)) == key


def test_a_sweep_is_found_again_without_our_notes(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("forgotten", 2)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", ["FINISHED", "FINISHED"])
    first, second = (sweep / "points" / point.folder_name for point in definition.points)
    child = publish(first, embedded).run_id
    (sweep / PUBLISHED_NAME).unlink()
    (first / PUBLISHED_NAME).unlink()
    assert publish(first, embedded).run_id == child
    assert parent_of(ledger, publish(second, embedded).run_id) == parent_of(ledger, child)
    assert publish(sweep, embedded).run_id == parent_of(ledger, child)
    assert len(runs_of(ledger, sweep)) == 1


def test_a_sweep_that_mlflow_lost_is_begun_anew(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("lost", 1)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "FINISHED", ["FINISHED"])
    run_id = publish(sweep, embedded).run_id
    notes = sweep / PUBLISHED_NAME
    notes.write_text(notes.read_text().replace(run_id, "0" * 32))
    point = publish(sweep / "points" / definition.points[0].folder_name, embedded)
    assert parent_of(ledger, point.run_id) == run_id
    assert read_json(notes)["destinations"][embedded.tracking_uri]["run_id"] == run_id
    # All of it is to be sent again.
    before = published_before(sweep, embedded)
    assert before is not None
    assert not before.complete


def test_a_point_without_its_sweep_is_not_sent(embedded: Destination, ledger: Ledger, build_record: BuildRecord):
    definition = define_sweep("orphan", 2)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", ["FINISHED", "FINISHED"])
    first, second = (sweep / "points" / point.folder_name for point in definition.points)
    known = set(ledger.run_ids())
    strange = first.rename(first.with_name("0009_strange"))
    with pytest.raises(InputError, match=r"0009_strange.*sweep\.json' does not name it"):
        publish(strange, embedded)
    (sweep / RECORD_NAME).unlink()
    with pytest.raises(InputError, match=rf"{sweep.name}.*no record\.json"):
        publish(second, embedded)
    (sweep / "sweep.json").write_text("{")
    with pytest.raises(InputError, match=r"sweep\.json.*cannot be read"):
        publish(second, embedded)
    assert set(ledger.run_ids()) == known


def test_a_point_waits_for_who_begins_its_sweep(embedded: Destination, build_record: BuildRecord):
    definition = define_sweep("contended", 1)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "RUNNING", ["FINISHED"])
    point = sweep / "points" / definition.points[0].folder_name
    with publisher._alone(sweep, embedded), pytest.raises(TrackingError, match="another process"):
        publish(point, replace(embedded, patience=0.1))
    publish(point, embedded)
    (point / PUBLISHED_NAME).unlink()
    # Once it is noted, nobody waits.
    with publisher._alone(sweep, embedded):
        assert publish(point, replace(embedded, patience=0.1)).complete


def test_processes_publish_points_of_one_sweep_at_once(alone: Destination, build_record: BuildRecord):
    definition = define_sweep("at once", 4)
    sweep = lay_sweep(alone.outputs, build_record, definition, "RUNNING", ("FINISHED",) * 4)
    folders = [sweep / "points" / point.folder_name for point in definition.points]
    context = multiprocessing.get_context("fork")
    # Each point by two of them.
    processes = [context.Process(target=publish, args=(folder, alone), daemon=True) for folder in folders * 2]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_PATIENCE)
    assert [process.exitcode for process in processes] == [0] * 8
    ledger = Ledger(alone.tracking_uri, alone.outputs)
    (parent,) = runs_of(ledger, sweep)
    children = [ledger.run(run_id) for run_id in runs_in(ledger, "alone") - {parent}]
    assert {child.data.tags[PARENT_TAG] for child in children} == {parent}
    assert sorted(child.data.tags["point"] for child in children) == ["1", "2", "3", "4"]
    assert {child.info.status for child in children} == {"FINISHED"}


@pytest.mark.parametrize("killed_at", [1, 2], ids=["sweep", "point"])
def test_a_kill_before_a_run_is_noted_makes_no_second_one(
    alone: Destination, build_record: BuildRecord, monkeypatch: pytest.MonkeyPatch, killed_at: int
):
    definition = define_sweep("killed", 1)
    sweep = lay_sweep(alone.outputs, build_record, definition, "RUNNING", ["FINISHED"])
    point = sweep / "points" / definition.points[0].folder_name
    noted: list[Path] = []

    def die(folder: Path, destination: Destination, sent: Sent) -> None:
        noted.append(folder)
        if len(noted) == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        write_sent(folder, destination, sent)

    monkeypatch.setattr(publisher, "write_sent", die)
    process = multiprocessing.get_context("fork").Process(target=publish, args=(point, alone), daemon=True)
    process.start()
    process.join(_PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    monkeypatch.undo()

    ledger = Ledger(alone.tracking_uri, alone.outputs)
    assert len(runs_in(ledger, "alone")) == killed_at
    published = publish(point, alone)
    (parent,) = runs_of(ledger, sweep)
    assert runs_in(ledger, "alone") == {parent, published.run_id}
    assert parent_of(ledger, published.run_id) == parent


def test_a_point_of_a_search_says_which_trial_asked_for_it(
    embedded: Destination, ledger: Ledger, build_record: BuildRecord
):
    trials = tuple(
        TrialDefinition(number=number, values={"sampler.steps": steps}, points=(point,), notes={})
        for number, steps, point in ((1, 10, 1), (2, 20, 2), (3, 10, 1))
    )
    search = SearchDefinition(
        objectives=("mouth_r", "seconds"), space={"sampler.steps": "4…40"}, sampler="tpe", seed=0, trials=trials
    )
    definition = define_sweep("searched", 2, search=search)
    sweep = lay_sweep(embedded.outputs, build_record, definition, "FINISHED", ["FINISHED", "FINISHED"])
    plan = {"points": 2, "trials": 3, "best.mouth_r": 0.9, "best.seconds": 12.5}
    write_record(sweep, record_of(build_record, definition, "FINISHED", plan=plan))
    parent = ledger.run(publish(sweep, embedded).run_id)
    assert parent.data.params["swept.sampler.steps"] == "4…40"
    assert "3 trials for mouth_r, seconds." in parent.data.tags["mlflow.note.content"]
    assert {key: parent.data.metrics[key] for key in plan} == plan
    tags = [
        ledger.run(publish(sweep / "points" / point.folder_name, embedded).run_id).data.tags
        for point in definition.points
    ]
    assert [tag["trial"] for tag in tags] == ["1", "2"]
    assert {tag["objectives"] for tag in tags} == {"mouth_r, seconds"}
