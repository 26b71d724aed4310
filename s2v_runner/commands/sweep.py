"""A sweep, as `s2v-runner run` carries it out."""

import sys

from s2v_runner.commands.makers import choose_makers
from s2v_runner.config.asked import Asked
from s2v_runner.console.sweep import point_lines, sweep_lines, tell_end
from s2v_runner.errors import InputError
from s2v_runner.execution import Session
from s2v_runner.parallel.starting import StarterFor
from s2v_runner.sweep.ledger import adopt
from s2v_runner.sweep.performance import FinishedSweep, perform_sweep
from s2v_runner.sweep.preparation import prepare_sweep
from s2v_runner.sweep.states import read_states

FAILED = 1


def carry_out_sweep(asked: Asked, command: tuple[str, ...], starter_for: StarterFor) -> int:
    """Print the plan of a sweep and make its points; the exit status. Raises as `perform_sweep` does."""
    words = " x ".join(f"{len(axis.choices)} of {axis.key}" for axis in asked.axes)
    confirm(asked.count, words, asked.common.max_points, "values")
    sweep, defined = adopt(prepare_sweep(asked))
    seed = None if defined is None else defined.base_seed
    states = read_states(sweep, seed)
    session = Session()
    topology = sweep.points[0].run.topology
    makers = choose_makers(sweep.common, topology, len(sweep.points), session, starter_for)
    print(f"sweep {sweep.folder}")
    workers = [] if makers.words is None else [f"  workers   {makers.words}"]
    print("\n".join([*sweep_lines(sweep, states, seed), *workers, *point_lines(sweep, states)]), flush=True)
    if sweep.shared_noise is not None:
        print(f"warning: {sweep.shared_noise}", file=sys.stderr, flush=True)
    if sweep.common.dry_run:
        print("nothing is loaded or written (dry_run=true)")
        return 0
    finished = perform_sweep(sweep, command, session.environment, makers.make, makers.listener_for, say)
    tell_finished(finished)
    return 0 if finished.is_whole else FAILED


def confirm(count: int, words: str, most: int, fewer: str) -> None:
    """Raises InputError for so many points that they may not be meant, and nobody there to ask.

    `words` say how they come about, and `fewer` is what to give fewer of.
    """
    if count <= most:
        return
    if sys.stdin.isatty():
        if _answer(f"{count:,} points ({words}). Make them all? [y/N] ") in ("y", "yes"):
            return
        raise InputError(f"{count:,} points", "they are not wanted", f"Give fewer {fewer}")
    raise InputError(
        f"{count:,} points ({words})",
        f"that is more than max_points={most}",
        f"If they are meant, add max_points={count}",
    )


def _answer(question: str) -> str:
    try:
        return input(question).strip().lower()
    except EOFError:
        return ""


def say(line: str) -> None:
    """Print it at once."""
    print(line, flush=True)


def tell_finished(finished: FinishedSweep) -> None:
    """The last lines: what came of it, and where it is."""
    problems = (*finished.warnings, *([finished.outcome.problem] if finished.outcome.problem else []))
    for problem in problems:
        print(f"warning: {problem}", file=sys.stderr, flush=True)
    tell_end(finished.sweep, finished.states, finished.page)
    published = finished.outcome.published
    if published is not None and published.page_command is not None:
        print(f"to see it in MLflow: {published.page_command}")
        print(f"http://127.0.0.1:5000{published.page}")
    elif published is not None:
        print(published.page)
