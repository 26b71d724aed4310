from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.comparison.clocks import measure_times
from s2v_runner.tracking.journal import StepLine
from s2v_runner.tracking.record import Record, read_record
from tests.comparison.sweeps import folder_of

STAGES = {"import libraries": 4.0, "check weights": 1.0, "load transformer": 9.0, "encode text": 0.5}


@pytest.fixture
def record(made_sweep: Path) -> Record:
    return read_record(folder_of(made_sweep, 1))


def with_attempts(record: Record, *changes: dict) -> Record:
    first = record.attempts[0]
    return replace(record, attempts=tuple(replace(first, **change) for change in changes))


def steps(attempt: int, clip: int, *seconds: float) -> list[StepLine]:
    return [StepLine(attempt, clip, step, value, 0.0) for step, value in enumerate(seconds, 1)]


def values(record: Record, lines: list[StepLine]) -> dict[str, float | None]:
    return {key: measure.value for key, measure in measure_times(record, lines).items()}


def test_time_to_make_leaves_out_what_one_point_does_for_all(record: Record):
    stages = {**STAGES, "encode motion": 0.25, "denoise": 10.0, "decode": 2.0, "write video": 0.25}
    record = with_attempts(record, {"stages": stages, "peak_memory": {"host": 2**31, "device": 3 * 2**30}})
    assert values(record, steps(0, 0, 4.0, 2.0, 3.0)) == {
        "seconds": 12.5,
        "denoise_seconds": 9.0,
        "step_seconds": 3.0,
        "decode_seconds": 2.0,
        "device_gib": 3.0,
        "host_gib": 2.0,
    }


def test_steps_that_were_made_twice_count_once(record: Record):
    killed = {"stages": {**STAGES, "denoise": 5.0, "decode": 2.0}, "status": "KILLED"}
    last = {"stages": {**STAGES, "denoise": 6.0, "decode": 3.0}}
    # The first clip is of the first attempt; the second was begun there and made anew.
    lines = [*steps(0, 0, 1.0, 1.0), *steps(0, 1, 1.0), *steps(1, 1, 2.0, 2.0)]
    found = values(with_attempts(record, killed, last), lines)
    assert found["denoise_seconds"] == 6.0
    assert found["seconds"] == 6.0 + 5.0
    assert found["decode_seconds"] == 5.0


def test_an_attempt_that_nothing_is_left_of_does_not_count(record: Record):
    vanished = {"stages": {}, "peak_memory": {}, "status": "KILLED"}
    last = {"stages": {**STAGES, "denoise": 4.25, "decode": 3.0}, "peak_memory": {"host": 2**30}}
    found = values(with_attempts(record, vanished, last), [*steps(0, 0, 9.0), *steps(1, 0, 2.0, 2.0)])
    assert found["seconds"] == 4.25 + 3.0
    assert found["decode_seconds"] == 3.0
    assert found["host_gib"] == 1.0


def test_times_are_unknown_where_a_process_ended_without_a_word(record: Record):
    vanished = {"stages": {}, "peak_memory": {}, "status": "KILLED"}
    last = {"stages": {**STAGES, "denoise": 4.0, "decode": 3.0}}
    found = measure_times(with_attempts(record, vanished, last), [*steps(0, 0, 1.0), *steps(1, 1, 2.0)])
    assert found["denoise_seconds"].value == 3.0
    for key in ("seconds", "decode_seconds"):
        assert found[key].value is None
        assert "before its times were written down" in (found[key].reason or "")


def test_what_was_not_logged_or_not_on_a_gpu_is_said(record: Record):
    found = measure_times(with_attempts(record, {"stages": {"decode": 1.0}, "peak_memory": {"host": 1}}), [])
    assert found["step_seconds"].reason == found["denoise_seconds"].reason == "its steps were not logged"
    assert found["device_gib"].reason == "it was not made on a GPU"
    assert found["seconds"].value == 1.0
    none = measure_times(with_attempts(record, {"stages": {"write video": 1.0}, "peak_memory": {}}), [])
    assert none["decode_seconds"].reason == none["host_gib"].reason == "it was not written down"
