"""How long a sweep will take."""

from dataclasses import replace

import pytest

from s2v_runner.config.asked import read_asked
from s2v_runner.config.compose import PROJECT
from s2v_runner.sweep.forecast import time_left
from s2v_runner.sweep.preparation import prepare_sweep
from s2v_runner.sweep.states import NEW, PointState
from s2v_runner.tracking.record import Attempt, Record
from tests.runs import Workshop


def finished(record: Record, *stages: dict[str, float]) -> PointState:
    attempts = [replace(record.attempts[0], stages=each, status="FINISHED") for each in stages]
    return PointState("finished", replace(record, status="FINISHED", attempts=tuple(attempts)))


@pytest.fixture
def attempt() -> Attempt:
    return Attempt(
        started="2020-01-01T00:00:00+00:00",
        finished=None,
        status="FINISHED",
        error=None,
        host="here",
        process=1,
        stages={},
        peak_memory={},
    )


@pytest.fixture
def record(attempt: Attempt) -> Record:
    return Record(
        format=1,
        kind="point",
        status="FINISHED",
        identity="",
        command=(),
        overrides=(),
        choices={},
        requested={},
        resolved={},
        plan={},
        base_seed=0,
        inputs={},
        prepared={},
        checkpoint={},
        environment={},
        attempts=(attempt,),
        frames=None,
        measures={},
        clip_measures={},
        files={},
        warnings=(),
        reproduces=None,
    )


def test_steps_cost_by_their_number_and_the_rest_by_the_pixels(workshop: Workshop, record: Record):
    asked = read_asked([*workshop.settings, "sampler.steps=2,4,8", "infer_frames=8"], PROJECT, multirun=True)
    sweep = prepare_sweep(asked)
    state = finished(record, {"load transformer": 100.0, "import libraries": 9.0, "denoise": 2.0, "decode": 5.0})
    states = {1: state, 2: NEW, 3: NEW}
    assert time_left(sweep.points, states, [2, 3]) == pytest.approx(4 + 5 + 8 + 5)
    assert time_left(sweep.points, states, []) == 0


def test_guidance_off_is_half_the_work(workshop: Workshop, record: Record):
    sweep = prepare_sweep(read_asked([*workshop.settings, "sampler.guide_scale=1,2"], PROJECT, multirun=True))
    states = {1: finished(record, {"denoise": 3.0}), 2: NEW}
    assert time_left(sweep.points, states, [2]) == pytest.approx(6)


def test_nothing_is_foretold_from_nothing(workshop: Workshop):
    sweep = prepare_sweep(read_asked([*workshop.settings, "sampler.steps=2,4"], PROJECT, multirun=True))
    assert time_left(sweep.points, {1: NEW, 2: PointState("failed", None)}, [1, 2]) is None
