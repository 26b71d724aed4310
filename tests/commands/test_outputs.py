"""The commands that look at what runs have left: list, reproduce, sync, clean."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from s2v_runner.cli import main
from s2v_runner.run import FinishedRun
from tests.runs import Workshop, read_json

Said = pytest.CaptureFixture[str]


@pytest.fixture
def made(workshop: Workshop) -> FinishedRun:
    return workshop.perform("num_clip=1")


@pytest.fixture
def killed(workshop: Workshop) -> Path:
    child = workshop.in_child(lambda: None, "num_clip=2")
    child.lines_until("clip 1 of 2")
    child.kill(signal.SIGKILL)
    child.wait()
    return workshop.folders()[-1]


def test_list_shows_each_run(workshop: Workshop, made: FinishedRun, killed: Path, capsys: Said):
    capsys.readouterr()
    assert main(["list", "--outputs", str(workshop.outputs)]) == 0
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split()[:2] == ["started", "status"]
    assert "finished" in first
    assert made.folder.name in first
    assert "64x64" in first
    assert "stopped" in second
    assert killed.name in second


def test_list_of_nothing(tmp_path: Path, capsys: Said):
    assert main(["list", "--outputs", str(tmp_path)]) == 0
    assert "no runs" in capsys.readouterr().out


def test_list_gives_whole_records(workshop: Workshop, made: FinishedRun, capsys: Said):
    capsys.readouterr()
    assert main(["list", "--json", "--outputs", str(workshop.outputs)]) == 0
    assert json.loads(capsys.readouterr().out)["identity"] == made.record.identity


def test_list_goes_on_past_a_record_that_is_damaged(workshop: Workshop, made: FinishedRun, capsys: Said):
    (made.folder / "record.json").write_text("{")
    assert main(["list", "--outputs", str(workshop.outputs)]) == 0
    assert "UNREADABLE" in capsys.readouterr().out


def test_reproduce_finds_the_frames_identical(workshop: Workshop, made: FinishedRun, capsys: Said):
    assert main(["reproduce", str(made.folder)]) == 0
    assert "the frames are identical" in capsys.readouterr().out
    again = read_json(workshop.folders()[-1] / "record.json")
    assert again["reproduces"] == str(made.folder)
    assert again["frames"] == made.record.frames


def test_reproduce_takes_the_copy_of_an_input_that_has_gone(workshop: Workshop, made: FinishedRun, capsys: Said):
    Path(made.record.inputs["image"]["path"]).unlink()
    assert main(["reproduce", str(made.folder)]) == 0
    assert "the frames are identical" in capsys.readouterr().out


def test_reproduce_refuses_an_input_that_has_changed_everywhere(made: FinishedRun, capsys: Said):
    for place in ("path", "copy"):
        Path(made.record.inputs["image"][place]).write_bytes(b"")
    assert main(["reproduce", str(made.folder)]) == 2
    assert "SHA-256" in capsys.readouterr().err


def test_reproduce_says_when_the_frames_differ(made: FinishedRun, capsys: Said):
    record = read_json(made.folder / "record.json")
    record["resolved"]["base_seed"] += 1
    record["environment"]["device"]["name"] = "NVIDIA H200"
    record["environment"]["device"]["device"] = "cuda"
    (made.folder / "record.json").write_text(json.dumps(record))
    assert main(["reproduce", str(made.folder)]) == 1
    said = capsys.readouterr().out
    assert "the frames differ" in said
    assert "the device was cuda and is cpu" in said


@pytest.fixture
def as_many_threads() -> Iterator[None]:
    """Puts back how many there were."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("as_many_threads")
def test_reproduce_takes_as_many_threads_as_the_run_had(workshop: Workshop, made: FinishedRun):
    record = read_json(made.folder / "record.json")
    assert record["environment"]["device"]["threads"] == 1
    record["environment"]["device"]["threads"] = 3
    (made.folder / "record.json").write_text(json.dumps(record))
    main(["reproduce", str(made.folder)])
    assert read_json(workshop.folders()[-1] / "record.json")["environment"]["device"]["threads"] == 3


def test_reproduce_warns_of_other_weights_and_packages(made: FinishedRun, capsys: Said):
    record = read_json(made.folder / "record.json")
    record["checkpoint"]["digest"] = "another"
    record["environment"]["packages"]["torch"] = "1.0"
    (made.folder / "record.json").write_text(json.dumps(record))
    assert main(["reproduce", str(made.folder)]) == 0
    warned = capsys.readouterr().err
    assert "not the one the run was made with" in warned
    assert "torch was 1.0" in warned


def test_reproduce_refuses_a_run_without_a_video(killed: Path, capsys: Said):
    assert main(["reproduce", str(killed)]) == 2
    assert "made no video" in capsys.readouterr().err


def test_a_run_is_reproduced_by_its_mlflow_id(workshop: Workshop, capsys: Said):
    made = workshop.perform("num_clip=1", "tracking=mlflow")
    assert made.outcome.published is not None
    assert main(["reproduce", made.outcome.published.run_id, "--outputs", str(workshop.outputs)]) == 0
    assert "the frames are identical" in capsys.readouterr().out


def test_sync_sends_what_a_dead_server_missed(workshop: Workshop, capsys: Said):
    made = workshop.perform("num_clip=1", "tracking=mlflow", "tracking.uri=http://127.0.0.1:9", "tracking.patience=2")
    assert made.outcome.problem is not None
    assert main(["sync", "--outputs", str(workshop.outputs)]) == 1
    assert "could not be sent" in capsys.readouterr().out
    database = workshop.folder / "other.db"
    assert main(["sync", "--outputs", str(workshop.outputs), "--uri", f"sqlite:///{database}"]) == 0
    assert "1 runs are in MLflow" in capsys.readouterr().out
    assert database.exists()


def test_clean_lists_first_and_removes_when_told(workshop: Workshop, made: FinishedRun, killed: Path, capsys: Said):
    capsys.readouterr()
    assert (killed / "resume").is_dir()
    assert main(["clean", "--outputs", str(workshop.outputs)]) == 0
    assert "would go" in capsys.readouterr().out
    assert (killed / "resume").is_dir()
    assert main(["clean", "--yes", "--outputs", str(workshop.outputs)]) == 0
    assert not (killed / "resume").exists()
    assert not workshop.strays()
    assert (made.folder / "video.mp4").exists()
    assert (killed / "record.json").exists()
    assert main(["clean", "--yes", "--failed", "--outputs", str(workshop.outputs)]) == 0
    assert not killed.exists()
    assert made.folder.exists()


def test_clean_leaves_a_run_alone_that_is_going_on(workshop: Workshop):
    child = workshop.in_child(lambda: None)
    child.lines_until("clip 1 of 3")
    assert main(["clean", "--yes", "--failed", "--outputs", str(workshop.outputs)]) == 0
    assert child.wait()[0] == 0
    assert workshop.only_record().status == "FINISHED"
