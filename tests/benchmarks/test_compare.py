"""Two reports side by side."""

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.compare import TOLERANCE, Change
from benchmarks.report import Report, Row
from tests.benchmarks.reports import make_report

LABELS = {"size": "1024*704", "clip": "first"}


def write(path: Path, report: Report) -> str:
    path.write_text(json.dumps(dataclasses.asdict(report)))
    return str(path)


def compare(folder: Path, before: Report, after: Report, *arguments: str) -> int:
    paths = (write(folder / "before.json", before), write(folder / "after.json", after))
    return main(["compare", *paths, *arguments])


def seconds(value: float) -> Report:
    return make_report(Row(LABELS, {"forward_seconds": value}))


@pytest.mark.parametrize(
    ("after", "arguments", "status"),
    [
        (10.0, (), 0),
        (8.0, (), 0),
        (10.0 * (1 + 0.9 * TOLERANCE), (), 0),
        (10.0 * (1 + 1.1 * TOLERANCE), (), 1),
        (11.0, ("--tolerance", "0.2"), 0),
    ],
)
def test_the_status_says_whether_something_got_slower(
    tmp_path: Path, after: float, arguments: tuple[str, ...], status: int
):
    assert compare(tmp_path, seconds(10.0), seconds(after), *arguments) == status


def test_the_two_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert compare(tmp_path, seconds(10.0), seconds(12.0)) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "size 1024*704, clip first"
    assert said[1].split() == ["forward_seconds", "10.00", "12.00", "1.200", "×", "slower"]
    assert said[2] == "1 of the figures are worse by more than 5 %"


@pytest.mark.parametrize(
    ("name", "before", "after", "worse"),
    [
        ("tflop_per_second", 500.0, 400.0, True),
        ("tflop_per_second", 400.0, 500.0, False),
        ("peak_gib", 40.0, 50.0, True),
        ("difference", 1e-3, 2e-3, True),
        ("difference", 0.0, 1e-3, True),
        ("difference", 0.0, 0.0, False),
        # Of the clock, and of the rounding.
        ("prepare_seconds", 0.002, 0.008, False),
        ("difference", 1e-7, 9e-7, False),
        # Neither better nor worse.
        ("tokens", 100.0, 200.0, False),
    ],
)
def test_what_counts_as_worse(name: str, before: float, after: float, worse: bool):
    assert Change(name, before, after).worse(TOLERANCE) is worse


def test_other_hardware_versions_and_cases_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    row = Row(LABELS, {"forward_seconds": 1.0, "peak_gib": None})
    before = make_report(row, Row({"size": "64*64"}, {"forward_seconds": 1.0}))
    after = make_report(row, Row({"size": "128*64"}, {"forward_seconds": 1.0}), gpu="H100", torch="2.12.0")
    assert compare(tmp_path, before, after) == 0
    said = capsys.readouterr().out
    assert "other hardware: gpu H200 → H100" in said
    assert "other versions: torch 2.11.0 → 2.12.0" in said
    assert "only before: size 64*64\nonly after: size 128*64" in said
    assert "peak_gib" not in said


def test_what_cannot_be_compared_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    step = make_report(Row(LABELS, {"step_seconds": 1.0}), benchmark="step")
    assert compare(tmp_path, seconds(1.0), step) == 2
    assert "the same benchmark" in capsys.readouterr().err
    assert compare(tmp_path, seconds(1.0), make_report(Row({"size": "64*64"}, {"forward_seconds": 1.0}))) == 2
    assert "no figures in common" in capsys.readouterr().err
    old_layout = tmp_path / "old.json"
    old_layout.write_text('{"results": []}')
    assert main(["compare", str(old_layout), str(old_layout)]) == 2
    assert "no report of a benchmark" in capsys.readouterr().err
