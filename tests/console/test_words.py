"""What is said, where, and how often."""

import io
import sys
import time
import warnings
from pathlib import Path

import pytest

from s2v_runner.console.words import Words
from s2v_runner.inputs import audio

Said = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_go_to_the_terminal_and_to_the_log(tmp_path: Path, capsys: Said):
    with Words(tmp_path / "run.log", aloud=True) as words:
        words.say("a line")
        words.warn("mind this")
    said = capsys.readouterr()
    assert said.out == "a line\n"
    assert said.err == "warning: mind this\n"
    log = (tmp_path / "run.log").read_text()
    assert "INFO a line" in log
    assert "WARNING mind this" in log
    assert words.warnings == ("mind this",)


def test_warnings_of_this_project_are_for_the_person_and_others_for_the_log(tmp_path: Path, capsys: Said):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with Words(tmp_path / "run.log", aloud=True) as words:
            warnings.warn_explicit("silent from beginning to end", UserWarning, str(audio.__file__), 1)
            warnings.warn_explicit("deprecated", UserWarning, "/elsewhere/library.py", 1)
    assert capsys.readouterr().err == "warning: silent from beginning to end\n"
    assert words.warnings == ("silent from beginning to end",)
    assert "deprecated" in (tmp_path / "run.log").read_text()


def test_without_a_terminal_a_step_is_told_now_and_then(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Words(tmp_path / "run.log", aloud=True) as words:
        for done in range(1, 41):
            now[0] += 8.0
            words.step(0, 2, done, 40, 8.0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0] == "clip 1 of 2, step 4 of 40: 8.00 s a step, 10:08 left"


def test_on_a_terminal_a_bar_shows_the_clip_and_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Words(tmp_path / "run.log", aloud=True) as words:
        words.step(1, 3, 2, 4, 0.1)
    assert "clip 2 of 3, step 2 of 4" in terminal.getvalue()
    assert "6/12" in terminal.getvalue()


def test_a_stage_is_told_when_it_took_a_while(tmp_path: Path, capsys: Said):
    with Words(tmp_path / "run.log", aloud=True) as words:
        words.stage("encode text", 0.01)
        words.stage("load transformer", 6.0)
        words.stage("denoise", 600.0)
    assert capsys.readouterr().out == "  load transformer: 6.0 s\n"


def test_a_clip_is_told_with_the_stages_it_had(tmp_path: Path, capsys: Said):
    with Words(tmp_path / "run.log", aloud=True) as words:
        words.clip(0, 2, {"encode motion": 0.001, "denoise": 7.9, "decode": 17.2, "encode text": 1.0})
    assert capsys.readouterr().out == "  clip 1 of 2: denoise 7.9 s, decode 17.2 s\n"


def test_a_log_that_cannot_be_written_disturbs_nobody(capsys: Said):
    with Words(Path("/dev/full"), aloud=True) as words:
        words.say("a line")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("a line\n", "")
