"""The command: what it refuses, and that it goes on where it was."""

import sys
from pathlib import Path

import pytest

from demo import evaluate
from demo.evaluation import calibration
from demo.evaluation.making import DRAWN, STRANGER
from demo.evaluation.studies import Arm
from tests.demo.evaluation.shown import replace_source
from tests.places import TINY_CHECKPOINT


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", str(TINY_CHECKPOINT), *map(str, arguments)])
    evaluate.main()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calibration, "CASES", 5)
    arms = (DRAWN, STRANGER)
    monkeypatch.setattr(
        evaluate,
        "STUDIES",
        {"truth": lambda default, cases: [Arm("plain", cases, one, replace_source(default, one)) for one in arms]},
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--studies", "truth,lips"), "there is no study 'lips'"),
        (("--cases", 0), "nothing to measure"),
        (("--device", "gpu"), "there is no such device"),
        (("--reader", "nowhere.safetensors"), "there is no such file"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[object, ...], said: str
):
    with pytest.raises(SystemExit, match=said):
        run(monkeypatch, "--out", tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()


def test_the_same_command_makes_only_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    settings = ("--out", tmp_path, "--set", "validation")
    run(monkeypatch, *settings, "--cases", 1)
    said = capsys.readouterr().out
    assert "1 of 2: truth, drawn, validation plain 0" in said
    assert "2 of 2: truth, stranger" in said
    assert "| … of the drawn truth |" in said
    for name in ("results.json", "card.md", "plots/lags.png", "thresholds.json"):
        assert (tmp_path / name).is_file()
    run(monkeypatch, *settings, "--cases", 2)
    assert "1 of 2: truth, drawn, validation plain 1" in capsys.readouterr().out
    run(monkeypatch, *settings, "--cases", 2, "--minutes", 0)
    assert " of 2: " not in capsys.readouterr().out
    with pytest.raises(SystemExit, match="differ in set"):
        run(monkeypatch, "--out", tmp_path, "--cases", 1)


def test_no_time_makes_no_video_and_still_reports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run(monkeypatch, "--out", tmp_path, "--set", "validation", "--cases", 1, "--minutes", 0)
    assert "time is up: 2 videos are left" in capsys.readouterr().out
    assert (tmp_path / "results.json").is_file()
