"""Runs that MLflow has not been told of, or not all of, and records that only MLflow still has."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from s2v_runner.errors import InputError, OutputError
from s2v_runner.tracking.client import connect
from s2v_runner.tracking.destination import Destination, Published, TrackingError
from s2v_runner.tracking.folder import find_runs, hold
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, STEPS_NAME, Record, read_record, write_record

DIED = "the process ended without a word"


def sync_runs(
    outputs: Path, destination_for: Callable[[Record], Destination | None]
) -> Iterator[tuple[Path, Published | None, str | None]]:
    """Publish every run that is not published whole, oldest first: its folder, what MLflow has, and what went wrong.

    A run whose process is gone is first marked as killed. A run with no destination yields neither. Where nothing
    answers is tried once.
    """
    away: dict[str, TrackingError] = {}
    for folder in find_runs(outputs):
        try:
            published, problem = _sync_run(folder, destination_for(_settle(folder)), away), None
        except (InputError, OutputError, TrackingError) as error:
            published, problem = None, str(error)
        yield folder, published, problem


def fetch_record(run_id: str, destination: Destination, folder: Path) -> Path:
    """Fetch the record of a run from MLflow into a folder, which is returned: `read_record` reads it there.

    Raises InputError when MLflow has no such run or no record of it, TrackingError when it cannot be asked.
    """
    if destination.is_embedded and not destination.database.exists():
        raise InputError(
            f"run '{run_id}'",
            f"there is no '{destination.database}' to look it up in",
            "Give tracking.uri, or a folder",
        )
    with connect(destination) as connection:
        connection.download(run_id, RECORD_NAME, folder)
    return folder


def _sync_run(folder: Path, destination: Destination | None, away: dict[str, TrackingError]) -> Published | None:
    """Publish a run where it is not. `away` has the destinations where nothing answers."""
    if destination is None:
        return None
    before = published_before(folder, destination)
    if before is not None and before.complete:
        return before
    if destination.address in away:
        raise away[destination.address]
    try:
        return publish(folder, destination)
    except TrackingError as error:
        if error.away:
            away[destination.address] = error
        raise


def _settle(folder: Path) -> Record:
    """The record, marked as killed when it says RUNNING and nobody is."""
    record = read_record(folder)
    if record.status != "RUNNING":
        return record
    lock = hold(folder)
    if lock is None:
        return record
    try:
        # Before it was locked, its process may have ended it properly.
        record = read_record(folder)
        if record.status == "RUNNING":
            record = _as_killed(folder, record)
            write_record(folder, record)
        return record
    finally:
        lock.release()


def _as_killed(folder: Path, record: Record) -> Record:
    signs = [path.stat().st_mtime for name in (RECORD_NAME, STEPS_NAME) if (path := folder / name).exists()]
    last_sign = datetime.fromtimestamp(max(signs)).astimezone().isoformat(timespec="seconds")
    last = replace(record.attempts[-1], status="KILLED", error=DIED, finished=last_sign)
    return replace(record, status="KILLED", attempts=(*record.attempts[:-1], last))
