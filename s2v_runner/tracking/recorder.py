"""Keeps the record of one attempt at a run: on disk first, and MLflow told after."""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from s2v_runner.tracking.folder import RunFolder
from s2v_runner.tracking.journal import Journal, StepLine
from s2v_runner.tracking.record import Attempt, Record, Status, read_record, write_record
from s2v_runner.tracking.reporter import Outcome, RunReporter

_SECONDS_BETWEEN_REPORTS = 10.0
VANISHED = "the process ended without a word"


class Recorder:
    """Writes the record of a run as it goes on. Raises OutputError where it cannot."""

    def __init__(self, folder: RunFolder, record: Record, reports: RunReporter) -> None:
        self.record = record
        self._folder = folder.path
        self._reports = reports
        self._reported_at = time.monotonic()
        self._journal = Journal(self._folder)
        write_record(self._folder, record)

    @property
    def folder(self) -> Path:
        return self._folder

    def update(self, **changes: Any) -> None:
        """Change fields of the record."""
        self.record = replace(self.record, **changes)
        write_record(self._folder, self.record)

    def announce(self) -> None:
        """Let MLflow hear of the run. Not before the heavy imports are done: its own would run into them."""
        self._reports.changed()

    def step(self, clip: int, step: int, seconds: float) -> None:
        """A step is done."""
        self._journal.add(StepLine(len(self.record.attempts) - 1, clip, step, seconds, time.time()))
        if time.monotonic() - self._reported_at > _SECONDS_BETWEEN_REPORTS:
            self._reported_at = time.monotonic()
            self._reports.changed()

    def close(
        self,
        status: Status,
        error: str | None,
        stages: Mapping[str, float],
        peak_memory: Mapping[str, int],
        warnings: tuple[str, ...],
    ) -> Outcome:
        """End the attempt. The record is written before MLflow hears of it."""
        attempt = replace(
            self.record.attempts[-1],
            finished=now_text(),
            status=status,
            error=error,
            stages=stages,
            peak_memory=peak_memory,
        )
        attempts = (*self.record.attempts[:-1], attempt)
        try:
            self.update(status=status, attempts=attempts, warnings=(*self.record.warnings, *warnings))
            self._journal.close()
        finally:
            outcome = self._reports.close()
        return outcome


def close_lost(folder: Path, status: Status, reason: str) -> Record | None:
    """End the attempt that goes on by a record whose process could not say how it ended; None where it did.

    Raises InputError and OutputError.
    """
    record = read_record(folder)
    if record.status != "RUNNING":
        return None
    last = replace(record.attempts[-1], finished=now_text(), status=status, error=reason)
    record = replace(record, status=status, attempts=(*record.attempts[:-1], last))
    write_record(folder, record)
    return record


def begin_attempt(previous: Record | None) -> tuple[Attempt, ...]:
    """The attempts of a run, one more than before; one that was never ended is marked as killed."""
    earlier = previous.attempts if previous else ()
    ended = tuple(
        replace(attempt, status="KILLED", error=VANISHED) if attempt.status == "RUNNING" else attempt
        for attempt in earlier
    )
    begun = Attempt(
        started=now_text(),
        finished=None,
        status="RUNNING",
        error=None,
        host=socket.gethostname(),
        process=os.getpid(),
        stages={},
        peak_memory={},
    )
    return (*ended, begun)


def now_text() -> str:
    return time_text(datetime.now())


def time_text(moment: datetime) -> str:
    """As records have it: to the millisecond, since runs can be begun and lost within one second."""
    return moment.astimezone().isoformat(timespec="milliseconds")
