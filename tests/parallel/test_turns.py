"""Processes of one machine read a checkpoint one after the other."""

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from s2v_runner.parallel import turns
from s2v_runner.parallel.turns import ReadingTurns
from tests.runs import fork

SECONDS = 0.3


def read(digest: str, begin: Path) -> int:
    while not begin.exists():
        time.sleep(0.01)
    waits: list[float] = []
    with ReadingTurns(lambda: waits.append(time.monotonic()))(digest):
        print("from", time.monotonic(), flush=True)
        time.sleep(SECONDS)
        print("to", time.monotonic(), flush=True)
    print("waited", len(waits), flush=True)
    return 0


def times(output: str) -> tuple[float, float]:
    words = output.split()
    return float(words[words.index("from") + 1]), float(words[words.index("to") + 1])


def test_one_at_a_time_and_who_waits_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "_SECONDS_BETWEEN_SIGNS", 0.05)
    digest = f"of a test {os.getpid()}"
    children = [fork(lambda: read(digest, tmp_path / "begin")) for _ in range(3)]
    (tmp_path / "begin").touch()
    ends = [child.wait() for child in children]
    assert [status for status, _ in ends] == [0] * 3
    spans = sorted(times(output) for _, output in ends)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    waits = sorted(int(output.split()[-1]) for _, output in ends)
    # The last one has waited for two others.
    assert waits[-1] > SECONDS / 0.05


def test_other_checkpoints_are_read_meanwhile():
    with ReadingTurns(lambda: pytest.fail("it waits"))("one"), ReadingTurns(lambda: pytest.fail("it waits"))("other"):
        pass


def test_a_process_that_is_killed_leaves_its_turn(tmp_path: Path):
    (tmp_path / "begin").touch()

    def read_for_long() -> int:
        with ReadingTurns(lambda: None)("killed"):
            print("reading", flush=True)
            time.sleep(1000)
        return 0

    child = fork(read_for_long)
    child.lines_until("reading")
    os.kill(child.pid, 9)
    child.wait()
    with ReadingTurns(lambda: pytest.fail("it waits"))("killed"):
        pass
