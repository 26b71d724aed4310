"""What the user sees of a sweep: its plan, its points as they come, how long is left."""

import sys
from collections.abc import Mapping
from pathlib import Path

from s2v_runner.console.words import clock_text
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.run import FinishedRun
from s2v_runner.sweep.forecast import time_left
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep, name_of
from s2v_runner.sweep.scene import Scene
from s2v_runner.sweep.states import PointState, Standing, count_states, state_of

_LISTED = 12
_WORDS: dict[Standing, str] = {
    "finished": "finished",
    "failed": "failed",
    "begun": "begun",
    "lost": "whose video is gone",
    "new": "to make",
}


def sweep_lines(sweep: PreparedSweep, states: Mapping[int, PointState], seed: int | None) -> list[str]:
    """What is to be made, what of it is there, and what is left to do, a line a fact."""
    facts = {
        "study": sweep.common.title,
        "swept": " x ".join(swept_words(sweep)),
        "points": _points(sweep, states),
        "loads": "one model, once" if sweep.loads == 1 else f"{sweep.loads} times: models or placements differ",
        "videos": _videos(sweep),
        "seeds": _seeds(sweep, seed),
        "baseline": sweep.baseline,
        "time": _time(sweep, states),
    }
    return [f"  {name:<8}  {fact}" for name, fact in facts.items() if fact is not None]


def point_lines(sweep: PreparedSweep, states: Mapping[int, PointState]) -> list[str]:
    """The first points and how they stand."""
    width = len(str(len(sweep.points)))
    lines = []
    for point in sweep.points[:_LISTED]:
        standing = _WORDS[states[point.definition.number].standing]
        lines.append(f"  {point.definition.number:>{width}}  {name_of(point.definition.values)}  ({standing})")
    if len(sweep.points) > _LISTED:
        lines.append(f"  and {len(sweep.points) - _LISTED} more")
    return lines


def swept_words(sweep: PreparedSweep) -> list[str]:
    """Each swept key with its values: `sampler.steps=10,20,40`."""
    words = []
    for key in sweep.swept:
        values = dict.fromkeys(name_of({key: point.definition.values[key]}) for point in sweep.points)
        shown = [value.partition("=")[2] for value in values]
        more = f",… ({len(shown)})" if len(shown) > _LISTED else ""
        words.append(f"{key}={','.join(shown[:_LISTED])}{more}")
    return words


class Remaining:
    """Keeps count of what is left to make."""

    def __init__(self, sweep: PreparedSweep, states: Mapping[int, PointState]) -> None:
        self._sweep = sweep
        self._states = dict(states)

    def ended(self, point: PreparedPoint, finished: FinishedRun | None) -> None:
        """A point is over; it has failed where nothing has finished."""
        state = PointState("failed", None) if finished is None else state_of(finished.folder, finished.record, None)
        self._states[point.definition.number] = state

    def counts(self) -> dict[Standing, int]:
        """How many points stand how."""
        return count_states(self._states)

    def seconds(self, workers: int) -> float | None:
        """How long so many workers will be at what is left; None where that is not known."""
        left = time_left(self._sweep.points, self._states, self._numbers())
        return None if left is None else left / workers

    def words(self, workers: int) -> str:
        """`; 9 to go, about 4:10`, or nothing where nothing is left."""
        if not self._numbers():
            return ""
        left = self.seconds(workers)
        about = "" if left is None else f", about {clock_text(left)}"
        return f"; {len(self._numbers())} to go{about}"

    def _numbers(self) -> list[int]:
        return [number for number, state in self._states.items() if state.standing in ("new", "begun", "lost")]


class SweepWords:
    """Tells the person how the points go on."""

    def __init__(self, sweep: PreparedSweep, states: Mapping[int, PointState]) -> None:
        self._total = len(sweep.points)
        self._remaining = Remaining(sweep, states)
        self._problem: str | None = None

    def begins(self, point: PreparedPoint) -> None:
        print(f"[{point.definition.number} of {self._total}] {name_of(point.definition.values)}", flush=True)

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None:
        self._remaining.ended(point, finished)
        if finished is None:
            tell_failure(point, error)
            return
        self._tell_problem(finished)
        print(f"  finished in {seconds_of(finished):.1f} s{self._remaining.words(1)}", flush=True)

    def waits(self, points: int) -> None:
        tell_waiting(points)

    def shows(self, scene: Scene) -> None:
        """There are no workers."""

    def warns(self, line: str) -> None:
        print(f"warning: {line}", file=sys.stderr, flush=True)

    def _tell_problem(self, finished: FinishedRun) -> None:
        """The same problem with MLflow is told once."""
        problem = finished.outcome.problem
        if problem is not None and problem != self._problem:
            self.warns(problem)
        self._problem = problem or self._problem


def tell_failure(point: PreparedPoint, error: Exception | None) -> None:
    """What ended a point."""
    print(f"  point {point.definition.number} failed: {describe_error(error)}", file=sys.stderr, flush=True)


def tell_waiting(points: int) -> None:
    print(f"waiting for {_count(points, 'point')} that another process is making", flush=True)


def seconds_of(finished: FinishedRun) -> float:
    """Of the attempt that finished it."""
    return sum(finished.record.attempts[-1].stages.values())


def tell_end(sweep: PreparedSweep, states: Mapping[int, PointState], page: Path | None) -> None:
    """The last lines: how many points there are now, and where to look."""
    counts = count_states(states)
    print(f"{counts['finished']} of {_count(len(sweep.points), 'point')} finished{_failures(sweep, states)}")
    print(sweep.folder if page is None else page)


def _failures(sweep: PreparedSweep, states: Mapping[int, PointState]) -> str:
    failed = [
        str(point.definition.number) for point in sweep.points if states[point.definition.number].standing == "failed"
    ]
    more = ", …" if len(failed) > _LISTED else ""
    return f"; failed: {', '.join(failed[:_LISTED])}{more}" if failed else ""


def describe_error(error: Exception | None) -> str:
    """What ended a point, in a line."""
    if isinstance(error, InputError | GenerationError | OutputError):
        return str(error)
    return f"{type(error).__name__}: {error} (its run.log has more)"


def _points(sweep: PreparedSweep, states: Mapping[int, PointState]) -> str:
    counts = count_states(states)
    parts = [f"{counts[standing]} {words}" for standing, words in _WORDS.items() if counts[standing]]
    twice = f" ({sweep.duplicates} more would be the same video as another)" if sweep.duplicates else ""
    return f"{len(sweep.points)}{twice}: {', '.join(parts)}{_policy(sweep, counts)}"


def _policy(sweep: PreparedSweep, counts: Mapping[Standing, int]) -> str:
    """What is done with the points that are there already."""
    resume = sweep.common.resume
    if resume == "force" and counts["new"] < len(sweep.points):
        return "; all are made anew (resume=force)"
    if counts["failed"]:
        return "; what failed is tried again" if resume == "retry" else "; what failed is left (resume=skip)"
    return ""


def _videos(sweep: PreparedSweep) -> str:
    sizes = dict.fromkeys(f"{point.run.plan.output_width}x{point.run.plan.output_height}" for point in sweep.points)
    frames = sorted({point.run.plan.num_frames for point in sweep.points})
    count = _count(frames[0], "frame") if len(frames) == 1 else f"{frames[0]} to {frames[-1]} frames"
    about = "" if all(point.run.is_sound_known for point in sweep.points) else "about "
    return f"{about}{count} of {', '.join(sizes)}"


def _seeds(sweep: PreparedSweep, seed: int | None) -> str:
    if any(point.draws_seed for point in sweep.points):
        return "one is drawn for all points" if seed is None else f"{seed}, drawn for all points"
    seeds = sorted({point.run.request.base_seed for point in sweep.points})
    return f"{', '.join(map(str, seeds[:_LISTED]))}{', …' if len(seeds) > _LISTED else ''}"


def _time(sweep: PreparedSweep, states: Mapping[int, PointState]) -> str:
    remaining = [
        number for number, state in states.items() if state.standing != "finished" or sweep.common.resume == "force"
    ]
    if not remaining:
        return "nothing is left to make"
    left = time_left(sweep.points, states, remaining)
    if left is None:
        return "known once a point is made"
    made = count_states(states)["finished"]
    return f"about {clock_text(left)} left, judged by {_count(made, 'finished point')}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
