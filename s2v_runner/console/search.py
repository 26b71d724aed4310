"""What the user sees of a search: its plan, its trials as they come, and the best of them."""

import sys
from collections.abc import Sequence
from statistics import median

from s2v_runner.console.sweep import describe_error
from s2v_runner.console.words import clock_text
from s2v_runner.metrics.measures import Metric
from s2v_runner.run import FinishedRun
from s2v_runner.search.preparation import PreparedSearch
from s2v_runner.search.results import Outcome, TrialResult, pareto_front
from s2v_runner.sweep.preparation import PreparedPoint, name_of
from s2v_runner.sweep.scene import Scene
from s2v_runner.tracking.progress import PointProgress

_LISTED = 12
_NO_OTHER = "no other is better in everything"


def search_lines(
    search: PreparedSearch, results: Sequence[TrialResult], points: Sequence[PointProgress], seed: int | None
) -> list[str]:
    """What is sought and where, what is known, and what is left to do, a line a fact."""
    replicates = search.replicates
    averaged = " x ".join(f"{len(axis.choices)} of {axis.key}" for axis in search.asked.axes)
    facts = {
        "study": search.sweep.common.title,
        "space": ", ".join(f"{dimension.key}={dimension.words}" for dimension in search.asked.space),
        "seeks": ", ".join(
            f"{'more' if metric.better == 'higher' else 'less'} {metric.key}" for metric in search.objectives
        ),
        "sampler": f"{search.config.sampler}, seed {search.config.seed}",
        "trials": _trials(search, results),
        "points": f"{_count(len(replicates), 'point')} a trial{f', averaged: {averaged}' if averaged else ''}",
        "video": _video(search),
        "seeds": _seeds(search, seed),
        "time": _time(search, results, points),
    }
    return [f"  {name:<8}  {fact}" for name, fact in facts.items() if fact is not None]


class SearchWords:
    """Tells the person how the points and the trials go on."""

    def __init__(self, search: PreparedSearch, results: Sequence[TrialResult]) -> None:
        self._search = search
        self._told = {result.definition.number for result in results if result.outcome == "finished"}
        self._seconds: list[float] = []
        self._problem: str | None = None

    def begins(self, point: PreparedPoint) -> None:
        print(f"[point {point.definition.number}] {name_of(point.definition.values)}", flush=True)

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None:
        if finished is None:
            number = point.definition.number
            print(f"  point {number} failed: {describe_error(error)}", file=sys.stderr, flush=True)
            return
        problem = finished.outcome.problem
        if problem is not None and problem != self._problem:
            print(f"warning: {problem}", file=sys.stderr, flush=True)
        self._problem = problem or self._problem
        self._seconds.append(sum(finished.record.attempts[-1].stages.values()))
        print(f"  finished in {self._seconds[-1]:.1f} s", flush=True)

    def waits(self, points: int) -> None:
        print(f"waiting for {_count(points, 'point')} that another process is making", flush=True)

    def shows(self, scene: Scene) -> None:
        """There are no workers."""

    def warns(self, line: str) -> None:
        print(f"warning: {line}", file=sys.stderr, flush=True)

    def trials(self, results: Sequence[TrialResult]) -> None:
        """A line for each trial that has ended since they were last told of."""
        wanted = max(self._search.config.trials, len(results))
        left = _left(self._search, results, self._seconds)
        about = "" if left is None else f"; about {clock_text(left)} to go"
        for result in results:
            number = result.definition.number
            if result.outcome == "open" or number in self._told:
                continue
            self._told.add(number)
            came_to = values_text(result, self._search.objectives) or f"failed: {result.problem}"
            print(f"trial {number} of {wanted}: {came_to}{about}", flush=True)


def tell_front(results: Sequence[TrialResult], objectives: Sequence[Metric]) -> None:
    """The best trials, with their settings."""
    front = pareto_front(results, objectives)
    if not front:
        print("no trial has finished")
        return
    finished = _number_of(results, "finished")
    print(f"best: {len(front)} of {_count(finished, 'finished trial')}, of which {_NO_OTHER}")
    for result in front[:_LISTED]:
        name = name_of(result.definition.values)
        print(f"  trial {result.definition.number:<3}  {values_text(result, objectives)}  {name}")
    if len(front) > _LISTED:
        print(f"  and {len(front) - _LISTED} more, on the page")


def values_text(result: TrialResult, objectives: Sequence[Metric]) -> str:
    """The objectives of a finished trial: `mouth_r 0.912, seconds 14.2 s`."""
    pairs = zip(objectives, result.values, strict=True) if result.values else ()
    return ", ".join(f"{metric.key} {value:.{metric.digits}f}{_unit(metric)}" for metric, value in pairs)


def _unit(metric: Metric) -> str:
    return f" {metric.unit}" if metric.unit else ""


def _trials(search: PreparedSearch, results: Sequence[TrialResult]) -> str:
    words: dict[Outcome, str] = {"finished": "finished", "failed": "failed", "open": "begun"}
    there = [f"{count} {word}" for outcome, word in words.items() if (count := _number_of(results, outcome))]
    left = max(0, search.config.trials - len(results))
    return f"{search.config.trials}: {', '.join([*there, f'{left} to ask for'])}"


def _video(search: PreparedSearch) -> str:
    """Of a trial at the lower ends of the space."""
    plan = search.samples[0].plan
    return f"{_count(plan.num_frames, 'frame')} of {plan.output_width}x{plan.output_height}"


def _seeds(search: PreparedSearch, seed: int | None) -> str:
    if search.draws_seed:
        return "one is drawn for all points" if seed is None else f"{seed}, drawn for all points"
    return ", ".join(map(str, dict.fromkeys(run.request.base_seed for run in search.samples)))


def _time(search: PreparedSearch, results: Sequence[TrialResult], points: Sequence[PointProgress]) -> str:
    if all(result.outcome != "open" for result in results) and len(results) >= search.config.trials:
        return "nothing is left to make" if _number_of(results, "failed") == 0 else "what failed is tried again"
    records = [point.record for point in points if point.record is not None and point.record.status == "FINISHED"]
    left = _left(search, results, [record.seconds for record in records])
    if left is None:
        return "known once a point is made"
    return f"about {clock_text(left)} left, judged by {_count(len(records), 'finished point')}"


def _left(search: PreparedSearch, results: Sequence[TrialResult], seconds: Sequence[float]) -> float | None:
    """Seconds that the trials to come will take, as the points before did; None where either are none."""
    ended = len(results) - _number_of(results, "open")
    points = max(0, search.config.trials - ended) * len(search.replicates)
    return median(seconds) * points if seconds and points else None


def _number_of(results: Sequence[TrialResult], outcome: Outcome) -> int:
    return sum(result.outcome == outcome for result in results)


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
