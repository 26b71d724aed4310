"""The commands that look at what sweeps have left: list, reproduce, sync, clean."""

import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from s2v_runner.cli import main
from s2v_runner.replacement import replacing, unfinished_path
from s2v_runner.run import FinishedRun, Session
from s2v_runner.tracking.definition import FORMAT, PointDefinition, SweepDefinition, point_folder, write_definition
from s2v_runner.tracking.folder import SWEEPS, hold
from s2v_runner.tracking.record import Record, Status, read_record, write_record
from tests.runs import Workshop, read_json, workshop_settings

Said = pytest.CaptureFixture[str]

_STEPS = (10, 20, 40)


@dataclass(frozen=True)
class Sweep:
    folder: Path
    finished: Path
    failed: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, session: Session) -> FinishedRun:
    """A run, made once for all: the tests look at what is left of it."""
    folder = tmp_path_factory.mktemp("made")
    picture, speech = folder / "picture.png", folder / "speech.wav"
    Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)).save(picture)
    soundfile.write(speech, np.sin(np.arange(8000)), 16000)
    settings = workshop_settings(picture, speech, folder / "outputs")
    return Workshop(folder, settings, session).perform("num_clip=1")


@pytest.fixture
def sweep(workshop: Workshop, made: FinishedRun) -> Sweep:
    """Three points: the run that was made, one like it that failed, and one that was not begun."""
    definition = SweepDefinition(
        format=FORMAT,
        identity="5eeb" * 16,
        title="Steps",
        command=("s2v-runner", "-m", "sampler.steps=10,20,40"),
        swept=("sampler.steps",),
        base_seed=None,
        baseline=None,
        points=tuple(
            PointDefinition(number=number, identity=made.record.identity, values={"sampler.steps": steps})
            for number, steps in enumerate(_STEPS, 1)
        ),
        search=None,
    )
    folder = workshop.outputs / SWEEPS / definition.identity[:12]
    finished, failed, _ = (point_folder(folder, point) for point in definition.points)
    finished.parent.mkdir(parents=True)
    shutil.copytree(made.folder, finished)
    write_definition(folder, definition)
    point = replace(made.record, kind="point")
    write_record(finished, point)
    failed.mkdir()
    write_record(failed, ended(replace(point, frames=None, files={}), "FAILED"))
    whole = {"kind": "sweep", "identity": definition.identity, "resolved": {}, "plan": {"points": 3}, "frames": None}
    files = {"definition": "sweep.json", "comparison": "comparison.html"}
    write_record(folder, ended(replace(made.record, files=files, **whole), "FAILED"))
    return Sweep(folder, finished, failed)


def ended(record: Record, status: Status) -> Record:
    return replace(record, status=status, attempts=(replace(record.attempts[-1], status=status),))


def begin_again(folder: Path) -> None:
    """As if this process were making the points of a sweep."""
    record = read_record(folder)
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    attempt = replace(record.attempts[-1], status="RUNNING", started=now, finished=None, process=os.getpid())
    write_record(folder, replace(record, status="RUNNING", attempts=(*record.attempts, attempt)))


def said_by(capsys: Said, *words: str) -> str:
    capsys.readouterr()
    assert main(list(words)) == 0
    return capsys.readouterr().out


def test_list_shows_sweeps_below_the_runs(workshop: Workshop, sweep: Sweep, capsys: Said):
    run = workshop.folder / "outputs" / "runs" / "2026-03-01" / "12-00-00_beside"
    shutil.copytree(sweep.finished, run)
    write_record(run, replace(read_record(run), kind="run"))
    runs, sweeps = said_by(capsys, "list", "--outputs", str(workshop.outputs)).split("\n\n")
    assert run.name in runs
    assert "points" not in runs
    header, line = sweeps.splitlines()
    assert header.split() == ["sweep", "started", "status", "title", "swept", "finished", "failed", "points", "folder"]
    assert line.split()[0] == "5eeb5eeb5eeb"
    assert line.split()[3:] == ["failed", "Steps", "sampler.steps", "1", "1", "3", "sweeps/5eeb5eeb5eeb"]


def test_list_shows_points_among_the_runs_when_asked(workshop: Workshop, sweep: Sweep, capsys: Said):
    points, _ = said_by(capsys, "list", "--points", "--outputs", str(workshop.outputs)).split("\n\n")
    header, *lines = points.splitlines()
    assert header.split()[-2:] == ["sweep", "run"]
    assert [line.split()[-2:] for line in lines] == [
        ["5eeb5eeb5eeb", str(folder.relative_to(workshop.outputs))] for folder in (sweep.finished, sweep.failed)
    ]


def test_list_tells_how_a_sweep_stands(workshop: Workshop, sweep: Sweep, capsys: Said):
    def status() -> str:
        return said_by(capsys, "list", "--outputs", str(workshop.outputs)).splitlines()[1].split()[3]

    begin_again(sweep.folder)
    assert status() == "running"
    record = read_record(sweep.folder)
    gone = replace(record.attempts[-1], host="elsewhere")
    write_record(sweep.folder, replace(record, attempts=(*record.attempts[:-1], gone)))
    assert status() == "stopped"
    (sweep.folder / "record.json").unlink()
    assert "not begun" in said_by(capsys, "list", "--outputs", str(workshop.outputs))
    (sweep.folder / "sweep.json").write_text("{")
    assert "UNREADABLE" in said_by(capsys, "list", "--outputs", str(workshop.outputs))


@pytest.mark.parametrize("name", ["5ee", "5eeb5eeb5eeb", "5eeb" * 16, "folder"])
def test_list_shows_the_points_of_a_sweep(workshop: Workshop, sweep: Sweep, capsys: Said, name: str):
    name = str(sweep.folder) if name == "folder" else name
    title, header, *lines = said_by(capsys, "list", name, "--outputs", str(workshop.outputs)).splitlines()
    assert title == "Steps"
    assert header.split() == ["point", "status", "steps", "seconds", "folder"]
    seconds = f"{read_record(sweep.finished).seconds:.1f}"
    assert [line.split() for line in lines] == [
        ["1", "finished", "10", seconds, str(sweep.finished)],
        ["2", "failed", "20", seconds, str(sweep.failed)],
        ["3", "not", "begun", "40"],
    ]


def test_list_names_a_sweep_that_there_is_not(workshop: Workshop, sweep: Sweep, capsys: Said):
    assert main(["list", "abc", "--outputs", str(workshop.outputs)]) == 2
    assert "sweep 'abc': there is no such folder" in capsys.readouterr().err
    other = sweep.folder.with_name("5eeb00000000")
    shutil.copytree(sweep.folder, other)
    assert main(["list", "5eeb", "--outputs", str(workshop.outputs)]) == 2
    assert "several begin like this: 5eeb00000000, 5eeb5eeb5eeb" in capsys.readouterr().err


def test_list_gives_all_whole_records(workshop: Workshop, sweep: Sweep, capsys: Said):
    for words, kinds in (((), ["point", "point", "sweep"]), (("5eeb",), ["sweep", "point", "point"])):
        lines = said_by(capsys, "list", *words, "--json", "--outputs", str(workshop.outputs)).splitlines()
        assert [json.loads(line)["kind"] for line in lines] == kinds


def test_reproduce_makes_a_point_again(workshop: Workshop, sweep: Sweep, capsys: Said):
    assert "the frames are identical" in said_by(capsys, "reproduce", str(sweep.finished))
    (again,) = workshop.folders()
    record = read_json(again / "record.json")
    assert (record["kind"], record["reproduces"]) == ("run", str(sweep.finished))


def test_reproduce_refuses_a_whole_sweep(sweep: Sweep, capsys: Said):
    assert main(["reproduce", str(sweep.folder)]) == 2
    assert "it is a sweep. Give one of its points" in capsys.readouterr().err


def test_sync_sends_a_sweep_and_its_points(workshop: Workshop, sweep: Sweep, capsys: Said):
    database = f"sqlite:///{workshop.folder / 'other.db'}"
    *lines, last = said_by(capsys, "sync", "--outputs", str(workshop.outputs), "--uri", database).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        str(path) for path in (sweep.folder, sweep.finished, sweep.failed)
    ]
    assert all(": complete, " in line for line in lines)
    assert last == "2 runs and 1 sweeps are in MLflow"


def leave_behind(sweep: Sweep) -> list[Path]:
    """What kills leave: in points, in the sweep, and beside its page."""
    left = [
        sweep.folder / ".sweep.json.unfinished",
        sweep.folder / "comparison" / ".0001.json.unfinished",
        sweep.failed / ".video.mp4",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (sweep.failed / "resume").mkdir()
    return [*left, sweep.failed / "resume"]


def test_clean_takes_away_what_a_sweep_left(workshop: Workshop, sweep: Sweep, capsys: Said):
    left = leave_behind(sweep)
    page = sweep.folder / "comparison.html"
    with replacing(page, unfinished_path(page)):
        said = said_by(capsys, "clean", "--outputs", str(workshop.outputs))
        assert {line.split(": ")[1].rpartition(" (")[0] for line in said.splitlines()[:-1]} == set(map(str, left))
        assert all(path.exists() for path in left)
        said_by(capsys, "clean", "--yes", "--outputs", str(workshop.outputs))
        assert not any(path.exists() for path in left)
    assert page.exists()
    assert sweep.failed.exists()
    assert "there is nothing to clean" in said_by(capsys, "clean", "--yes", "--outputs", str(workshop.outputs))


def test_clean_takes_away_points_that_failed(workshop: Workshop, sweep: Sweep, capsys: Said):
    said_by(capsys, "clean", "--yes", "--failed", "--outputs", str(workshop.outputs))
    assert not sweep.failed.exists()
    assert (sweep.finished / "video.mp4").exists()
    assert (sweep.folder / "record.json").exists()
    assert (sweep.folder / "sweep.json").exists()


def test_clean_leaves_a_sweep_alone_that_is_going_on(workshop: Workshop, sweep: Sweep, capsys: Said):
    left = leave_behind(sweep)
    begin_again(sweep.folder)
    said = said_by(capsys, "clean", "--yes", "--failed", "--outputs", str(workshop.outputs))
    assert "there is nothing to clean" in said
    assert all(path.exists() for path in left)


def test_clean_leaves_a_point_alone_that_is_held(workshop: Workshop, sweep: Sweep, capsys: Said):
    lock = hold(sweep.failed)
    assert lock is not None
    said_by(capsys, "clean", "--yes", "--failed", "--outputs", str(workshop.outputs))
    assert sweep.failed.exists()
    lock.release()
