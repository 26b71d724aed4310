"""The stopwatch, with a clock that the test moves."""

import time

import pytest

from s2v_runner.timing import Stopwatch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_a_stage_inside_another_stops_its_clock(clock: list[float]):
    watch = Stopwatch()
    with watch.stage("outer"):
        clock[0] += 1
        with watch.stage("inner"):
            clock[0] += 10
        clock[0] += 2
    clock[0] += 100
    assert watch.seconds == {"outer": 3, "inner": 10}


def test_a_stage_in_pieces_adds_up_and_tells_each_piece(clock: list[float]):
    watch, told = Stopwatch(), []
    watch.on_end = lambda name, seconds: told.append((name, seconds))
    for seconds in (1, 2):
        with watch.stage("decode"):
            clock[0] += seconds
    assert watch.seconds == {"decode": 3}
    assert told == [("decode", 1), ("decode", 2)]


def test_a_stage_waits_for_the_device_and_is_charged_for_it(clock: list[float]):
    watch = Stopwatch()

    def settle() -> None:
        clock[0] += 5

    watch.settle = settle
    with watch.stage("denoise"):
        pass
    assert watch.seconds == {"denoise": 5}


def test_a_stage_that_fails_is_charged_too(clock: list[float]):
    watch = Stopwatch()

    def break_off() -> None:
        clock[0] += 4
        raise KeyError

    with pytest.raises(KeyError), watch.stage("decode"):
        break_off()
    assert watch.seconds == {"decode": 4}


def test_laps_are_counted_from_the_stage(clock: list[float]):
    watch = Stopwatch()
    clock[0] += 50
    with watch.stage("denoise"):
        clock[0] += 2
        assert watch.lap() == 2
        clock[0] += 3
        assert watch.lap() == 3
