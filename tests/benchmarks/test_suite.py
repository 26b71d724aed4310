"""The suite as a whole: the list of commands, and `all`."""

import importlib
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, main, missing_packages
from benchmarks.report import read_report


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]):
    assert callable(importlib.import_module(f"benchmarks.{COMMANDS[name].module}").main)
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert f"usage: python -m benchmarks {name}" in capsys.readouterr().out


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert [command.what for command in COMMANDS.values() if command.what not in said] == []


def test_nothing_is_missing_here():
    assert not any(missing_packages(name) for name in COMMANDS)


def test_all_writes_a_report_each(tmp_path: Path):
    folder = tmp_path / "reports"
    arguments = ("--only", "forward", "load", "--model", "tiny", "--device", "cpu", "--layers", "1")
    assert main(["all", *arguments, "--folder", str(folder), "--commit", "abc"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["forward.json", "load.json"]
    report = read_report(folder / "forward.json")
    assert report.options["layers"] == 1
    assert report.project["commit"] == "abc"


def test_all_says_what_failed(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    arguments = ("--only", "load", "--model", "tiny", "--layers", "3")
    assert main(["all", *arguments, "--folder", str(tmp_path)]) == 1
    said = capfd.readouterr().err
    assert "the model has 2 blocks" in said
    assert said.endswith("failed: load\n")
