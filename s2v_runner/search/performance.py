"""A whole search, from its first trial to its comparison, whatever happens on the way."""

from collections.abc import Callable, Mapping, Sequence

from s2v_runner.execution import Session
from s2v_runner.search.growth import Growth
from s2v_runner.search.preparation import PreparedSearch
from s2v_runner.search.results import TrialResult, best_values, pareto_front
from s2v_runner.sweep.ledger import Ledger
from s2v_runner.sweep.performance import FinishedSweep, assignment_of, carry_through
from s2v_runner.sweep.preparation import PreparedPoint, PreparedSweep
from s2v_runner.sweep.work import Listener, OneAfterTheOther, Work


def perform_search(
    search: PreparedSearch,
    command: tuple[str, ...],
    session: Session,
    listener: Listener,
    tell: Callable[[Sequence[TrialResult]], None],
    say: Callable[[str], None],
) -> FinishedSweep:
    """Make every trial that is not there, compare their points, and record it all.

    What an earlier attempt began is made first, then each trial is asked for once the ones before are made or being
    made by others. `tell` hears how all trials stand after each round. Raises as `perform_sweep` does.
    """
    growth = Growth(search, command)
    ledger = Ledger(search.sweep, growth.begin, command, session.environment)

    def make(told: Listener) -> PreparedSweep:
        work = OneAfterTheOther(session).work(assignment_of(ledger, command), told)
        sweep = _make_trials(work, growth, lambda: tell(growth.results))
        ledger.update({"points": len(sweep.points), **_sums(search, growth.results)}, {})
        return sweep

    return carry_through(ledger, make, listener, say)


def _make_trials(work: Work, growth: Growth, tell: Callable[[], None]) -> PreparedSweep:
    """Make the trials that are there and those that are asked for, until there is none to make."""
    sweep = work.assignment.sweep
    waiting: list[PreparedPoint] = list(sweep.points)
    told = False
    while True:
        busy = work.make_free_points(waiting)
        known = len(sweep.points)
        sweep = growth.grow()
        tell()
        added = sweep.points[known:]
        if growth.is_grown and not busy and not added:
            return sweep
        if growth.is_grown and len(busy) == len(waiting) and not added:
            if not told:
                work.listener.waits(len(busy))
                told = True
            work.wait()
        waiting = [*busy, *added]


def _sums(search: PreparedSearch, results: Sequence[TrialResult]) -> Mapping[str, float]:
    """What the trials came to, for the record of the search."""
    outcomes = [result.outcome for result in results]
    best = best_values(results, search.objectives)
    return {
        "trials": len(results),
        "trials_failed": outcomes.count("failed"),
        "trials_on_the_front": len(pareto_front(results, search.objectives)),
        **{f"best.{key}": value for key, value in best.items()},
    }
