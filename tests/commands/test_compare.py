"""`s2v-runner compare`: which sweep is meant, and what is said."""

import os
import shutil
import webbrowser
from pathlib import Path

import pytest

from s2v_runner.cli import main
from tests.comparison.looks import TINY
from tests.comparison.sweeps import folder_of, make_sweep

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with two sweeps, of two points and of one."""
    outputs = tmp_path_factory.mktemp("outputs")
    make_sweep(outputs, {"sampler.steps": [10, 20]}, TINY)
    make_sweep(outputs, {"sampler.shift": [3.0]}, TINY)
    return outputs


@pytest.fixture
def outputs(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "outputs")
    return tmp_path / "outputs"


@pytest.fixture
def steps(outputs: Path) -> Path:
    """The sweep of two points, which is the older one."""
    (sweep,) = (path.parent for path in outputs.glob("sweeps/*/sweep.json") if '"sampler.steps"' in path.read_text())
    os.utime(sweep / "sweep.json", (1, 1))
    return sweep


def test_a_sweep_is_found_by_its_folder_or_the_beginning_of_its_identity(steps: Path, outputs: Path, capsys: Said):
    for words in ([str(steps)], [steps.name, "--outputs", str(outputs)], [steps.name[:7], "--outputs", str(outputs)]):
        assert main(["compare", *words]) == 0
        *_, summary, page = capsys.readouterr().out.splitlines()
        assert summary.startswith("2 points, 2 with a video; the page has 0.")
        assert summary.endswith(f"the table is {steps / 'comparison.csv'}")
        assert page == str(steps / "comparison.html")
        assert Path(page).is_file()


def test_without_a_name_it_is_the_latest(steps: Path, outputs: Path, capsys: Said):
    assert main(["compare", "--outputs", str(outputs)]) == 0
    said = capsys.readouterr().out
    assert "1 point, 1 with a video" in said
    assert str(steps) not in said


def test_points_without_a_video_are_counted(steps: Path, capsys: Said):
    shutil.rmtree(folder_of(steps, 2))
    assert main(["compare", str(steps)]) == 0
    assert "2 points, 1 with a video" in capsys.readouterr().out


def test_a_baseline_is_named_in_words(steps: Path, capsys: Said):
    assert main(["compare", str(steps), "--baseline", "sampler.steps=10"]) == 0
    assert main(["compare", str(steps), "--baseline", "sampler.steps=15"]) == 2
    assert "no point has sampler.steps=15. There is 10, 20" in capsys.readouterr().err


def test_the_page_is_opened_when_that_is_asked_for(steps: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert main(["compare", str(steps)]) == 0
    assert opened == []
    assert main(["compare", str(steps), "--open"]) == 0
    assert opened == [(steps / "comparison.html").as_uri()]


def test_a_sweep_that_there_is_not_is_named(steps: Path, outputs: Path, tmp_path: Path, capsys: Said):
    assert main(["compare", "no-such-sweep", "--outputs", str(outputs)]) == 2
    assert "no-such-sweep" in capsys.readouterr().err
    assert main(["compare", "--outputs", str(tmp_path / "empty")]) == 2
    assert "there is none in" in capsys.readouterr().err
