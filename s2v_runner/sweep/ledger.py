"""What is written down of a sweep as a whole: its definition, once, and its record, by all who work on it."""

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from s2v_runner.describe import public_settings, recorded_environment
from s2v_runner.errors import InputError
from s2v_runner.prepare import draw_seed
from s2v_runner.sweep.preparation import PreparedSweep
from s2v_runner.tracking.definition import DEFINITION_NAME, FORMAT, SweepDefinition, read_definition, write_definition
from s2v_runner.tracking.folder import prepare_outputs, sweep_held
from s2v_runner.tracking.liveness import is_at_work
from s2v_runner.tracking.record import FORMAT as RECORD_FORMAT
from s2v_runner.tracking.record import RECORD_NAME, Attempt, Record, Status, read_record, write_record
from s2v_runner.tracking.recorder import VANISHED, begin_attempt, now_text


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


def define(sweep: PreparedSweep, command: tuple[str, ...]) -> tuple[PreparedSweep, SweepDefinition]:
    """Write the definition; where it is there, its numbers and its seed are kept.

    A sweep that is made anew (`resume=force`) draws another seed. Raises InputError and OutputError.
    """
    prepare_outputs(sweep.outputs)
    with sweep_held(sweep.folder):
        sweep, before = adopt(sweep)
        drawn = before.base_seed if before is not None and sweep.common.resume != "force" else None
        if drawn is None and any(point.draws_seed for point in sweep.points):
            drawn = draw_seed()
        definition = SweepDefinition(
            format=FORMAT,
            identity=sweep.identity,
            title=sweep.common.title,
            command=command,
            swept=sweep.swept,
            base_seed=drawn,
            baseline=sweep.common.baseline,
            points=tuple(point.definition for point in sweep.points),
        )
        if definition != before:
            write_definition(sweep.folder, definition)
        return sweep, definition


class Ledger:
    """Keeps the record of a sweep. Several processes may; each changes its own attempt."""

    def __init__(
        self,
        sweep: PreparedSweep,
        definition: SweepDefinition,
        command: tuple[str, ...],
        environment: Mapping[str, Any],
    ) -> None:
        self._folder = sweep.folder
        with sweep_held(self._folder):
            before = _read_before(self._folder)
            attempts = () if before is None else tuple(_ended(attempt) for attempt in before.attempts)
            first = sweep.points[0]
            drawn = definition.base_seed
            record = Record(
                format=RECORD_FORMAT,
                kind="sweep",
                status="RUNNING",
                identity=sweep.identity,
                command=command,
                overrides=sweep.words,
                choices=first.composed.choices,
                requested=public_settings(first.composed.config),
                resolved={},
                plan={"points": len(sweep.points)} if before is None else before.plan,
                base_seed=first.run.request.base_seed if drawn is None else drawn,
                inputs={},
                checkpoint={"path": str(first.run.checkpoint_path.absolute()), "digest": first.run.checkpoint_digest},
                environment=recorded_environment(environment),
                attempts=(*attempts, *begin_attempt(None)),
                frames=None,
                files={"definition": DEFINITION_NAME} if before is None else before.files,
                warnings=(),
                reproduces=None,
            )
            write_record(self._folder, record)

    def update(self, plan: Mapping[str, Any], files: Mapping[str, str]) -> None:
        """Note how far it is, and what was made. Raises OutputError."""
        with sweep_held(self._folder):
            record = read_record(self._folder)
            write_record(self._folder, replace(record, plan={**record.plan, **plan}, files={**record.files, **files}))

    def close(self, status: Status, error: str | None, seconds: Mapping[str, float]) -> None:
        """End this process's part. The sweep is running for as long as another's goes on. Raises OutputError."""
        with sweep_held(self._folder):
            record = read_record(self._folder)
            attempts = tuple(
                replace(attempt, finished=now_text(), status=status, error=error, stages=seconds)
                if _is_ours(attempt)
                else _ended(attempt)
                for attempt in record.attempts
            )
            going_on = any(attempt.status == "RUNNING" for attempt in attempts)
            write_record(self._folder, replace(record, status="RUNNING" if going_on else status, attempts=attempts))


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


def _ended(attempt: Attempt) -> Attempt:
    """The attempt, marked as killed when it says that it goes on and its process has gone."""
    # An attempt of this process's number was another process's, or has ended: its own is not among these.
    gone = attempt.process == os.getpid() or not is_at_work(attempt)
    if attempt.status != "RUNNING" or attempt.host != socket.gethostname() or not gone:
        return attempt
    return replace(attempt, status="KILLED", error=VANISHED)
