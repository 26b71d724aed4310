"""A guided step by several processes, measured with a tiny model and worked out."""

from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.models import TINY
from benchmarks.scaling import sent_bytes
from tests.benchmarks.reports import report_of

TINY_CASE = ("--model", "tiny", "--device", "cpu", "--repeats", "1", "--sizes", "128*64", "--frames", "8")


def test_processes_are_measured_beside_one_of_them(tmp_path: Path):
    report = report_of(tmp_path, "scaling", "--processes", "2", *TINY_CASE, "--clips", "later")
    assert [row.labels["way"] for row in report.rows] == ["one process", "ulysses", "cfg"]
    assert [row.labels["processes"] for row in report.rows] == [1, 2, 2]
    for row in report.rows:
        assert (row.figures["step_seconds"] or 0) > 0
        assert (row.figures["difference"] or 0) < 1e-5


def test_what_one_process_of_a_group_does_is_rehearsed(tmp_path: Path):
    report = report_of(tmp_path, "scaling", "--rehearse", "1", "2", "4", *TINY_CASE, "--clips", "first", "later")
    shapes = [(row.labels["processes"], row.labels["way"]) for row in report.rows if row.labels["clip"] == "later"]
    assert shapes == [
        (1, "one process"),
        (2, "ulysses"),
        (2, "cfg"),
        (4, "ulysses"),
        (4, "cfg and ulysses"),
        (8, "cfg and ulysses"),
    ]
    one, shared, halves = report.rows[:3]
    assert one.figures["times_one"] == 1
    assert one.figures["sent_gigabytes"] == 0
    # Half of each of four tensors of half the tokens, in two branches of two blocks.
    assert shared.figures["sent_gigabytes"] == pytest.approx(2 * 2 * 4 * 48 * 128 * 2 / 2 / 1e9, rel=1e-4)
    # A branch each, and the velocity between them.
    seconds = (one.figures["step_seconds"] or 0) / 2 + 16 * 2 * 8 * 16 * 4 / 300e9
    assert halves.figures["step_seconds"] == pytest.approx(seconds, rel=1e-4)


def test_what_is_sent_does_not_grow_with_the_processes():
    sent = [sent_bytes(1000, size, TINY) for size in (1, 2, 4)]
    assert sent[0] == 0
    assert sent[1] / sent[2] == pytest.approx((1 / 2 / 2) / (1 / 4 * 3 / 4))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rehearse", "3"), "4 heads do not divide among 3"),
        (("--processes", "3"), "4 heads do not divide among them"),
    ],
)
def test_heads_that_do_not_divide_are_refused(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str):
    assert main(["scaling", *words, *TINY_CASE]) == 2
    assert said in capsys.readouterr().err
