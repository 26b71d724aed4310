"""What was measured once is kept, whatever ends the process."""

from dataclasses import replace
from pathlib import Path

import pytest

from demo.evaluation.cases import Case
from demo.evaluation.ledger import Ledger
from s2v_runner.errors import InputError, OutputError
from tests.demo.evaluation.shown import DEFAULT, true_row

ABOUT = {"checkpoint": "a", "seed": 0}


def test_rows_are_found_again_by_case_and_settings(tmp_path: Path, plain_cases: list[Case]):
    other = replace(DEFAULT, guide_scale=1.0)
    rows = [true_row(plain_cases[0]), true_row(plain_cases[1]), true_row(plain_cases[0], other)]
    ledger = Ledger(tmp_path / "new", ABOUT)
    for row in rows:
        ledger.add(row)
    again = Ledger(tmp_path / "new", ABOUT)
    for row in rows:
        found = again.find(row.case, row.settings)
        assert found is not None
        assert found.readings == row.readings
        assert found.settings == row.settings
    assert again.find(plain_cases[2].name, DEFAULT) is None
    assert again.find(plain_cases[1].name, other) is None


def test_half_a_line_is_forgotten_and_does_not_spoil_the_next(tmp_path: Path, plain_cases: list[Case]):
    Ledger(tmp_path, ABOUT).add(true_row(plain_cases[0]))
    with (tmp_path / "videos.jsonl").open("a") as file:
        file.write('{"case": "plain 1", "sett')
    taken_up = Ledger(tmp_path, ABOUT)
    taken_up.add(true_row(plain_cases[1]))
    again = Ledger(tmp_path, ABOUT)
    assert all(again.find(case.name, DEFAULT) for case in plain_cases[:2])


def test_half_a_line_alone_is_nothing(tmp_path: Path, plain_cases: list[Case]):
    (tmp_path / "videos.jsonl").write_text('{"case"')
    Ledger(tmp_path, ABOUT).add(true_row(plain_cases[0]))
    assert Ledger(tmp_path, ABOUT).find(plain_cases[0].name, DEFAULT)


def test_a_folder_holds_the_results_of_one_checkpoint(tmp_path: Path):
    Ledger(tmp_path, ABOUT)
    with pytest.raises(InputError, match="differ in checkpoint"):
        Ledger(tmp_path, {**ABOUT, "checkpoint": "b"})


def test_a_folder_that_cannot_be_is_said(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        Ledger(tmp_path / "file" / "in it", ABOUT)
