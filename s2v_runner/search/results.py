"""What came of the trials of a search, read from the records of their points; and which are the best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from s2v_runner.comparison.recorded import recorded_measures
from s2v_runner.metrics.measures import Measure, Metric
from s2v_runner.sweep.states import PointState, read_state
from s2v_runner.tracking.definition import SweepDefinition, TrialDefinition, point_folder

Outcome = Literal["finished", "failed", "open"]
"""`open` while a point of it is to be made."""


@dataclass(frozen=True)
class TrialResult:
    """A trial as it stands."""

    definition: TrialDefinition
    outcome: Outcome
    values: tuple[float, ...]
    """Of each objective the mean over the points; nothing unless it is finished."""
    problem: str | None
    """Why it failed."""


def read_results(folder: Path, definition: SweepDefinition, objectives: Sequence[Metric]) -> list[TrialResult]:
    """Every trial of the search in this folder, in their order."""
    assert definition.search is not None
    points = {
        point.number: _read_point(point_folder(folder, point), point.number, objectives) for point in definition.points
    }
    return [_result_of(trial, [points[number] for number in trial.points]) for trial in definition.search.trials]


def pareto_front(results: Iterable[TrialResult], objectives: Sequence[Metric]) -> list[TrialResult]:
    """The finished trials that no other is at least as good as in every objective, and better in one.

    Trials of the same settings are named once. The best of the first objective come first.
    """
    different: dict[tuple[int, ...], TrialResult] = {}
    for result in results:
        if result.outcome == "finished":
            different.setdefault(result.definition.points, result)
    costs = {points: _costs(result, objectives) for points, result in different.items()}
    front = [points for points in different if not any(_is_better(other, costs[points]) for other in costs.values())]
    return [different[points] for points in sorted(front, key=lambda points: costs[points])]


def best_values(results: Iterable[TrialResult], objectives: Sequence[Metric]) -> dict[str, float]:
    """Of each objective the best mean that a trial has, by its key; nothing where no trial has finished."""
    finished = [result.values for result in results if result.outcome == "finished"]
    best = {"higher": max, "lower": min, None: min}
    return {
        metric.key: best[metric.better](values[index] for values in finished)
        for index, metric in enumerate(objectives)
        if finished
    }


@dataclass(frozen=True)
class _PointResult:
    outcome: Outcome
    values: tuple[float, ...]
    problem: str | None


def _read_point(folder: Path, number: int, objectives: Sequence[Metric]) -> _PointResult:
    # The seed of a search is drawn once, so there is no point of another.
    state = read_state(folder, None)
    match state.standing:
        case "finished":
            return _values_of(state, folder, number, objectives)
        case "failed":
            error = None if state.record is None else state.record.error
            return _PointResult("failed", (), f"point {number} failed: {error or 'nobody knows why'}")
        case _:
            return _PointResult("open", (), None)


def _values_of(state: PointState, folder: Path, number: int, objectives: Sequence[Metric]) -> _PointResult:
    assert state.record is not None
    found = recorded_measures(state.record, folder)
    measures: list[Measure] = [found[metric.key] for metric in objectives]
    for metric, measure in zip(objectives, measures, strict=True):
        if measure.reason is not None:
            return _PointResult("failed", (), f"{metric.key} of point {number} is not known: {measure.reason}")
    return _PointResult("finished", tuple(measure.value for measure in measures if measure.value is not None), None)


def _result_of(trial: TrialDefinition, points: Sequence[_PointResult]) -> TrialResult:
    if any(point.outcome == "open" for point in points):
        return TrialResult(trial, "open", (), None)
    for point in points:
        if point.outcome == "failed":
            return TrialResult(trial, "failed", (), point.problem)
    means = tuple(fmean(values) for values in zip(*(point.values for point in points), strict=True))
    return TrialResult(trial, "finished", means, None)


def _costs(result: TrialResult, objectives: Sequence[Metric]) -> tuple[float, ...]:
    """The values such that less is better."""
    signs = [-1.0 if metric.better == "higher" else 1.0 for metric in objectives]
    return tuple(sign * value for sign, value in zip(signs, result.values, strict=True))


def _is_better(costs: Sequence[float], others: Sequence[float]) -> bool:
    pairs = list(zip(costs, others, strict=True))
    return all(cost <= other for cost, other in pairs) and any(cost < other for cost, other in pairs)
