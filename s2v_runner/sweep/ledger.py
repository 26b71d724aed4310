"""What is written down of a sweep as a whole: its definition, once, and its record, by all who work on it."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from s2v_runner.describe import public_settings, recorded_environment
from s2v_runner.errors import InputError
from s2v_runner.prepare import draw_seed
from s2v_runner.replacement import discard_leftovers
from s2v_runner.sweep.policy import Policy
from s2v_runner.sweep.preparation import PreparedSweep
from s2v_runner.sweep.states import read_states
from s2v_runner.tracking.definition import (
    DEFINITION_NAME,
    POINTS,
    SweepDefinition,
    read_definition,
    write_definition,
)
from s2v_runner.tracking.destination import without_credentials
from s2v_runner.tracking.folder import LOCK_NAME, is_alive, prepare_outputs, sweep_held
from s2v_runner.tracking.liveness import is_at_work
from s2v_runner.tracking.record import FORMAT as RECORD_FORMAT
from s2v_runner.tracking.record import RECORD_NAME, Attempt, Record, Status, read_record, write_record
from s2v_runner.tracking.recorder import VANISHED, begin_attempt, now_text

_TRIED = "tried"
"""In the plan of a sweep that is made anew (`resume=force`): how often each point had been tried before. Processes that
join know by it what has been made anew already."""


def adopt(sweep: PreparedSweep) -> tuple[PreparedSweep, SweepDefinition | None]:
    """The sweep with the numbers that its points have on disk, and the definition that is there, if one is.

    The same points may have been asked for in another order then. Raises InputError for a definition that cannot be
    understood.
    """
    if not (sweep.folder / DEFINITION_NAME).is_file():
        return sweep, None
    defined = read_definition(sweep.folder)
    numbered = {point.identity: point for point in defined.points}
    if set(numbered) != {point.definition.identity for point in sweep.points}:
        raise InputError(f"sweep '{sweep.folder}'", "it lists other points", f"Take its {DEFINITION_NAME} away")
    points = [replace(point, definition=numbered[point.definition.identity]) for point in sweep.points]
    ordered = tuple(sorted(points, key=lambda point: point.definition.number))
    return replace(sweep, points=ordered), defined


Define = Callable[[bool], tuple[PreparedSweep, SweepDefinition]]
"""Writes the definition of a sweep, and says what it is. Told whether a seed is to be drawn anew."""


class Ledger:
    """Keeps the definition and the record of a sweep. Several processes may; each changes its own attempt."""

    def __init__(
        self, sweep: PreparedSweep, define: Define, command: tuple[str, ...], environment: Mapping[str, Any]
    ) -> None:
        """Begin an attempt. `define` is called while the sweep is held. Raises InputError and OutputError."""
        prepare_outputs(sweep.outputs)
        self._folder = sweep.folder
        # All at once: a process that comes a moment later finds both the definition and somebody who works on it.
        with sweep_held(self._folder):
            discard_leftovers(self._folder)
            before = _read_before(self._folder)
            attempts = () if before is None else _settled(self._folder, before.attempts)
            plan = {} if before is None else dict(before.plan)
            others_are_at_it = any(attempt.status == "RUNNING" for attempt in attempts)
            all_anew = sweep.common.resume == "force"
            self.sweep, self.definition = define(all_anew and not others_are_at_it)
            self.states = read_states(self.sweep, self.definition.base_seed)
            """How the points stand as this process begins."""
            tried = {str(number): state.attempts for number, state in self.states.items()}
            tried_before_others = plan.pop(_TRIED, None) if others_are_at_it else None
            tried_at_first = (tried_before_others or tried) if all_anew else tried
            self.policy = Policy(sweep.common.resume, tried_at_first)
            """Which points are to be made by this process and those it joins."""
            plan |= {"points": len(self.sweep.points), _TRIED: tried_before_others or (tried if all_anew else {})}
            record = _first_record(self.sweep, self.definition, command, environment)
            files = record.files if before is None else before.files
            attempts = (*attempts, *record.attempts)
            write_record(self._folder, replace(record, plan=plan, attempts=attempts, files=files))

    def update(self, plan: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Note how far it is, and what was made. Raises OutputError."""
        note(self._folder, plan, files)

    def close(self, status: Status, error: str | None, seconds: Mapping[str, float]) -> None:
        """End this process's part. The sweep is running for as long as another's goes on. Raises OutputError."""
        with sweep_held(self._folder):
            record = read_record(self._folder)
            attempts = _settled(
                self._folder,
                tuple(
                    replace(attempt, finished=now_text(), status=status, error=error, stages=seconds)
                    if _is_ours(attempt)
                    else attempt
                    for attempt in record.attempts
                ),
            )
            going_on = any(attempt.status == "RUNNING" for attempt in attempts)
            write_record(self._folder, replace(record, status="RUNNING" if going_on else status, attempts=attempts))


def note(folder: Path, plan: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Note in the record of a sweep how far it is, and what was made. Raises InputError and OutputError."""
    with sweep_held(folder):
        record = read_record(folder)
        write_record(folder, replace(record, plan={**record.plan, **plan}, files={**record.files, **files}))


def define_sweep(
    sweep: PreparedSweep, command: tuple[str, ...], draw_anew: bool
) -> tuple[PreparedSweep, SweepDefinition]:
    """Write the definition; where it is there, its numbers are kept, and its seed unless another is to be drawn."""
    sweep, before = adopt(sweep)
    drawn = None if before is None or draw_anew else before.base_seed
    if drawn is None and any(point.draws_seed for point in sweep.points):
        drawn = draw_seed()
    definition = sweep.define(command, drawn)
    if definition != before:
        write_definition(sweep.folder, definition)
    return sweep, definition


def _first_record(
    sweep: PreparedSweep, definition: SweepDefinition, command: tuple[str, ...], environment: Mapping[str, Any]
) -> Record:
    """The record of a sweep that nobody has worked on."""
    first = sweep.points[0]
    return Record(
        format=RECORD_FORMAT,
        kind="sweep",
        status="RUNNING",
        identity=sweep.identity,
        command=tuple(map(without_credentials, command)),
        overrides=tuple(map(without_credentials, sweep.words)),
        choices=first.composed.choices,
        requested=public_settings(first.composed.config),
        resolved={},
        plan={},
        base_seed=first.run.request.base_seed if definition.base_seed is None else definition.base_seed,
        inputs={},
        prepared={},
        checkpoint={"path": str(first.run.checkpoint_path.absolute()), "digest": first.run.checkpoint_digest},
        environment=recorded_environment(environment),
        attempts=begin_attempt(None),
        frames=None,
        measures={},
        clip_measures={},
        files={"definition": DEFINITION_NAME},
        warnings=(),
        reproduces=None,
    )


def _read_before(folder: Path) -> Record | None:
    if not (folder / RECORD_NAME).is_file():
        return None
    try:
        return read_record(folder)
    except InputError:
        # Everything in it can be told again from the points.
        return None


def _is_ours(attempt: Attempt) -> bool:
    return (attempt.status, attempt.host, attempt.process) == ("RUNNING", socket.gethostname(), os.getpid())


def _settled(folder: Path, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The attempts of other processes, those marked as killed that say they go on while their process has gone."""
    return tuple(
        replace(attempt, status="KILLED", error=VANISHED)
        if attempt.status == "RUNNING" and not _goes_on(folder, attempt)
        else attempt
        for attempt in attempts
    )


def _goes_on(folder: Path, attempt: Attempt) -> bool:
    if attempt.host != socket.gethostname():
        # Its process cannot be asked after. One that is there has locked the point that it makes.
        return any(is_alive(lock.parent) for lock in folder.glob(f"{POINTS}/*/{LOCK_NAME}"))
    # One of this process's number was another process's: its own is not among them.
    return attempt.process != os.getpid() and is_at_work(attempt)
