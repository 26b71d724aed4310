"""A whole sweep, from its definition to its comparison, whatever happens on the way."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from s2v_runner.describe import destination_of
from s2v_runner.errors import GenerationError, InputError, OutputError
from s2v_runner.interruption import Interrupted, undisturbed
from s2v_runner.run import FinishedRun
from s2v_runner.sweep.ledger import Ledger, define_sweep
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep
from s2v_runner.sweep.scene import Scene
from s2v_runner.sweep.states import PointState, count_states, read_states
from s2v_runner.sweep.work import Assignment, Listener, Make
from s2v_runner.timing import Stopwatch
from s2v_runner.tracking.choice import make_reporter
from s2v_runner.tracking.destination import Destination, TrackingError
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, Status
from s2v_runner.tracking.reporter import Outcome, RunReporter

_SECONDS_BETWEEN_REPORTS = 10.0


@dataclass(frozen=True)
class FinishedSweep:
    """What came of a sweep. Points may have failed."""

    sweep: PreparedSweep
    states: Mapping[int, PointState]
    page: Path | None
    """The comparison; None where it could not be made."""
    outcome: Outcome
    """What MLflow was told of the sweep itself."""
    warnings: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return count_states(self.states)["finished"] == len(self.sweep.points)


def perform_sweep(
    sweep: PreparedSweep,
    command: tuple[str, ...],
    environment: Mapping[str, Any],
    make: Make,
    listener_for: Callable[[PreparedSweep, Mapping[int, PointState]], Listener],
    say: Callable[[str], None],
) -> FinishedSweep:
    """Make every point that is not there, compare them, and record it all.

    Raises InputError and OutputError before the first point for what the user can mend, what ended a point where
    `fail_fast` is set, and Interrupted.
    """
    ledger = Ledger(sweep, partial(define_sweep, sweep, command), command, environment)

    def have_made(listener: Listener) -> PreparedSweep:
        make(assignment_of(ledger, command), listener)
        return ledger.sweep

    return carry_through(ledger, have_made, listener_for(ledger.sweep, ledger.states), say)


def assignment_of(ledger: Ledger, command: tuple[str, ...]) -> Assignment:
    """What is to be made by all who share this sweep."""
    return Assignment(sweep=ledger.sweep, seed=ledger.definition.base_seed, policy=ledger.policy, command=command)


def carry_through(
    ledger: Ledger, make: Callable[[Listener], PreparedSweep], listener: Listener, say: Callable[[str], None]
) -> FinishedSweep:
    """Have the points made, compare them, and record it all; `make` says which points there are in the end.

    Raises what `make` raises.
    """
    sweep = ledger.sweep
    destination = destination_of(sweep.common)
    reporter = make_reporter(sweep.folder, destination)
    stopwatch = Stopwatch()
    warnings: list[str] = []
    try:
        with stopwatch.stage("points"):
            sweep = make(_Teller(listener, reporter))
        states = read_states(sweep, ledger.definition.base_seed)
        with stopwatch.stage("compare"):
            page = _compare(sweep, ledger, say, warnings)
        ledger.update(_counts(states), {})
    except BaseException as error:
        with undisturbed():
            status: Status = "KILLED" if isinstance(error, Interrupted) else "FAILED"
            try:
                ledger.close(status, f"{type(error).__name__}: {error}", stopwatch.seconds)
            except OutputError as second:
                # What ended the sweep matters more than that its record cannot say so.
                say(f"warning: {second}")
            reporter.close()
        raise
    unfinished = len(sweep.points) - count_states(states)["finished"]
    with undisturbed():
        if unfinished:
            ledger.close("FAILED", f"{unfinished} of {len(sweep.points)} points are not finished", stopwatch.seconds)
        else:
            ledger.close("FINISHED", None, stopwatch.seconds)
        outcome = reporter.close()
    if destination is not None and outcome.problem is None:
        warnings += _send_missed(sweep, destination)
    return FinishedSweep(sweep, states, page, outcome, tuple(warnings))


class _Teller:
    """Passes on what happens, and lets MLflow know how far the sweep is: it counts the points by their records."""

    def __init__(self, listener: Listener, reporter: RunReporter) -> None:
        self._listener = listener
        self._reporter = reporter
        self._reported_at = 0.0

    def begins(self, point: PreparedPoint) -> None:
        self._listener.begins(point)

    def ends(self, point: PreparedPoint, finished: FinishedRun | None, error: Exception | None) -> None:
        self._listener.ends(point, finished, error)
        if time.monotonic() - self._reported_at > _SECONDS_BETWEEN_REPORTS:
            self._reported_at = time.monotonic()
            self._reporter.changed()

    def waits(self, points: int) -> None:
        self._listener.waits(points)

    def shows(self, scene: Scene) -> None:
        self._listener.shows(scene)

    def warns(self, line: str) -> None:
        self._listener.warns(line)


def _counts(states: Mapping[int, PointState]) -> dict[str, int]:
    counts = count_states(states)
    return {"finished": counts["finished"], "failed": counts["failed"]}


def _compare(sweep: PreparedSweep, ledger: Ledger, say: Callable[[str], None], warnings: list[str]) -> Path | None:
    """Write the comparison. The videos matter more than a page about them: what goes wrong is told."""
    # Late: it decodes videos, and a plan needs none of that.
    from s2v_runner.comparison.compare import compare_sweep

    try:
        comparison = compare_sweep(sweep.folder, None, say)
    except (InputError, GenerationError, OutputError) as error:
        warnings.append(f"there is no comparison: {error}")
        return None
    ledger.update({}, comparison.files)
    return comparison.page


def _send_missed(sweep: PreparedSweep, destination: Destination) -> list[str]:
    """Tell MLflow of points that it has not heard the end of, such as those made while it was away."""
    for point in sweep.points:
        folder = sweep.folder_of(point)
        try:
            if not (folder / RECORD_NAME).is_file():
                continue
            before = published_before(folder, destination)
            if before is None or not before.complete:
                publish(folder, destination)
        except (TrackingError, InputError, OutputError) as error:
            return [str(error)]
    return []
