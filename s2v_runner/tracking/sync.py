"""Runs and sweeps that MLflow has not been told of, or not all of, and records that only MLflow still has."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from s2v_runner.errors import InputError, OutputError
from s2v_runner.tracking.client import connect
from s2v_runner.tracking.definition import read_definition, sweep_folder_of
from s2v_runner.tracking.destination import Destination, Published, TrackingError
from s2v_runner.tracking.folder import find_runs, find_sweeps, hold, is_sweep_alive
from s2v_runner.tracking.progress import count_points, read_progress
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, STEPS_NAME, Record, read_record, write_record
from s2v_runner.tracking.recorder import VANISHED, time_text


def sync_runs(
    outputs: Path, destination_for: Callable[[Record], Destination | None]
) -> Iterator[tuple[Path, Published | None, str | None]]:
    """Publish every run that is not published whole, oldest first: its folder, what MLflow has, and what went wrong.

    Each sweep goes before its points, unless it was never begun. A run whose process is gone is first marked as
    killed. A run with no destination yields neither. Where nothing answers is tried once.
    """
    away: dict[str, TrackingError] = {}
    for folder in _find_all(outputs):
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


def _find_all(outputs: Path) -> Iterator[Path]:
    """The folders of runs, sweeps and points, each sweep before its points."""
    begun = {folder for folder in find_sweeps(outputs) if (folder / RECORD_NAME).exists()}
    for folder in find_runs(outputs):
        sweep = sweep_folder_of(folder)
        if sweep in begun:
            begun.remove(sweep)
            yield sweep
        yield folder
    # Of these no point has been begun.
    yield from sorted(begun)


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
    # That of a sweep is held by whoever writes its record.
    lock = hold(folder)
    if lock is None:
        return record
    try:
        # Before it was locked, its process may have ended it properly.
        record = read_record(folder)
        alive = record.kind == "sweep" and is_sweep_alive(folder)
        if record.status == "RUNNING" and not alive:
            record = _as_killed(folder, record)
            write_record(folder, record)
        return record
    finally:
        lock.release()


def _as_killed(folder: Path, record: Record) -> Record:
    folders, plan = [folder], record.plan
    if record.kind == "sweep":
        points = read_progress(folder, read_definition(folder))
        folders += [point.folder for point in points]
        plan = {**plan, **count_points(points)}
    files = [place / name for place in folders for name in (RECORD_NAME, STEPS_NAME)]
    last_sign = max(file.stat().st_mtime for file in files if file.exists())
    ended = time_text(datetime.fromtimestamp(last_sign))
    attempts = tuple(
        replace(attempt, status="KILLED", error=VANISHED, finished=ended) if attempt.status == "RUNNING" else attempt
        for attempt in record.attempts
    )
    return replace(record, status="KILLED", plan=plan, attempts=attempts)
