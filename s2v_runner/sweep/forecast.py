"""How long the rest of a sweep will take, from the points that were made."""

from collections.abc import Iterable, Mapping
from statistics import median

from s2v_runner.estimate import PLAIN_BFLOAT16
from s2v_runner.passes import count_passes
from s2v_runner.sweep.preparation import PreparedPoint
from s2v_runner.sweep.states import PointState
from s2v_runner.tracking.record import Record

_ONCE = ("import libraries", "load ", "check weights")
"""Stages that the first point of a process has and the others have not."""
_BY_STEP = "denoise"


def time_left(
    points: Iterable[PreparedPoint], states: Mapping[int, PointState], remaining: Iterable[int]
) -> float | None:
    """Seconds that the `remaining` points will take; None where nothing has been made to judge by.

    Denoising goes with the arithmetic of the transformer, the rest with the pixels of the video.
    """
    by_number = {point.definition.number: point for point in points}
    step_rates, other_rates = [], []
    for number, state in states.items():
        if state.standing == "finished" and state.record is not None and number in by_number:
            operations, pixels = _size(by_number[number])
            denoise, other = _seconds(state.record)
            step_rates.append(denoise / operations)
            other_rates.append(other / pixels)
    if not step_rates:
        return None
    step_rate, other_rate = median(step_rates), median(other_rates)
    sizes = [_size(by_number[number]) for number in remaining]
    return sum(operations * step_rate + pixels * other_rate for operations, pixels in sizes)


def _size(point: PreparedPoint) -> tuple[float, float]:
    """What denoising and the rest grow with."""
    run = point.run
    pixels = float(run.plan.made_frames * run.plan.height * run.plan.width)
    cost = run.estimate_cost(PLAIN_BFLOAT16)
    # A checkpoint that does not say how big it is: every pass over every pixel costs the same.
    return (pixels * count_passes(run.plan.passes) if cost is None else cost.operations), pixels


def _seconds(record: Record) -> tuple[float, float]:
    """Of denoising and of the rest, in the attempt that finished it and those before, loading left out."""
    denoise = other = 0.0
    for attempt in record.attempts:
        for stage, seconds in attempt.stages.items():
            if stage == _BY_STEP:
                denoise += seconds
            elif not stage.startswith(_ONCE):
                other += seconds
    return denoise, other
