"""The step log, whole and cut short."""

from pathlib import Path

import pytest

from s2v_runner.errors import OutputError
from s2v_runner.tracking.journal import Journal, StepLine, read_steps
from s2v_runner.tracking.record import STEPS_NAME


def line(step: int) -> StepLine:
    return StepLine(attempt=0, clip=0, step=step, seconds=1.5, at=1772362800.25)


def log(folder: Path, *steps: int) -> None:
    journal = Journal(folder)
    for step in steps:
        journal.add(line(step))
    journal.close()


def test_steps_come_back_in_order(tmp_path: Path):
    log(tmp_path, 1, 2)
    log(tmp_path, 3)
    assert list(read_steps(tmp_path)) == [line(1), line(2), line(3)]


def test_a_step_is_there_as_soon_as_it_is_logged(tmp_path: Path):
    journal = Journal(tmp_path)
    journal.add(line(1))
    assert list(read_steps(tmp_path)) == [line(1)]
    journal.close()


def test_a_run_without_steps_has_none(tmp_path: Path):
    assert list(read_steps(tmp_path)) == []


@pytest.mark.parametrize("lost", [1, 2, 40])
def test_a_line_cut_short_is_left_out_and_not_added_to(tmp_path: Path, lost: int):
    log(tmp_path, 1, 2)
    path = tmp_path / STEPS_NAME
    path.write_bytes(path.read_bytes()[:-lost])
    assert list(read_steps(tmp_path)) == [line(1)]
    log(tmp_path, 3)
    assert list(read_steps(tmp_path)) == [line(1), line(3)]


def test_a_log_that_is_one_cut_line_begins_anew(tmp_path: Path):
    (tmp_path / STEPS_NAME).write_text('{"attempt": 0')
    log(tmp_path, 1)
    assert list(read_steps(tmp_path)) == [line(1)]


@pytest.mark.parametrize("damage", [b"\0\0\0\0\n", b"\xff\n", b"[]\n", b"null\n", b'{"attempt": 0}\n', b"\n"])
def test_damaged_lines_are_passed_over(tmp_path: Path, damage: bytes):
    log(tmp_path, 1)
    with (tmp_path / STEPS_NAME).open("ab") as file:
        file.write(damage)
    log(tmp_path, 2)
    assert list(read_steps(tmp_path)) == [line(1), line(2)]


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match=STEPS_NAME):
        Journal(tmp_path / "gone")
