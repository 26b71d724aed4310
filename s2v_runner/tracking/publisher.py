"""The folder of a run or a sweep → MLflow, as often as there is something new. Sends only what is missing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from s2v_runner.digests import digest_file, digest_of
from s2v_runner.tracking.client import POINTS_AT_ONCE, Connection, connect
from s2v_runner.tracking.definition import sweep_folder_of
from s2v_runner.tracking.destination import Destination, Published, TrackingError, describe_published
from s2v_runner.tracking.notes import Sent, read_sent, write_sent
from s2v_runner.tracking.record import RECORD_NAME, STEPS_NAME, Record, read_record
from s2v_runner.tracking.terms import terms_of
from s2v_runner.tracking.translation import PARENT_TAG, Point, milliseconds

_LOCK_NAME = ".published.lock"
# Kinds of files that are too large to be kept twice.
_NOT_SENT = ("frames", "latents")


def publish(folder: Path, destination: Destination) -> Published:
    """Tell MLflow what it does not know yet of a run or a sweep. Called again, it goes on where it stopped.

    A point of a sweep becomes a child of the sweep's run, which is made where it is not, with nothing else of it.

    Raises TrackingError when MLflow cannot be told, InputError when the files of the run cannot be read, and
    OutputError when what was sent cannot be noted down.
    """
    with _alone(folder, destination):
        before = published_before(folder, destination)
        if before is not None and before.complete:
            return before
        record = read_record(folder)
        with connect(destination) as connection:
            _Sending(folder, destination, connection, record).send()
    now = published_before(folder, destination)
    assert now is not None, folder
    return now


def published_before(folder: Path, destination: Destination) -> Published | None:
    """What was noted down of a run at this destination; MLflow is not asked. Raises InputError."""
    sent = read_sent(folder, destination)
    if sent is None or (destination.is_embedded and not destination.database.exists()):
        return None
    record = read_record(folder)
    # The record is written last and sent last: once it has arrived as it stands, so has the rest. Only the page of a
    # sweep is made anew beside a record that stays.
    names = _files_of(folder, record) if record.kind == "sweep" else [RECORD_NAME]
    arrived = all(sent.artifacts.get(name) == digest_file(folder / name) for name in names)
    complete = record.status != "RUNNING" and sent.status == record.status and arrived
    return describe_published(destination, sent.run_id, sent.experiment_id, complete)


class _Sending:
    """One go at it. What has arrived is noted after each part, so that a cut neither loses nor doubles anything."""

    def __init__(self, folder: Path, destination: Destination, connection: Connection, record: Record) -> None:
        self._folder = folder
        self._destination = destination
        self._connection = connection
        self._record = record
        self._terms = terms_of(folder, record, destination.run_name)
        self._sent = _known(folder, destination, connection) or self._begin()

    def send(self) -> None:
        record = self._record
        if record.status == "RUNNING" != self._sent.status:
            # Taken up again.
            self._send_status()
        self._send_tags()
        self._send_params()
        self._send_points()
        if record.status != "RUNNING":
            self._send_artifacts()
            self._send_status()

    def _begin(self) -> Sent:
        parent = {PARENT_TAG: self._find_or_begin_sweep()} if self._record.kind == "point" else {}
        return _begin(self._folder, self._destination, self._connection, self._record, {**self._terms.tags, **parent})

    def _find_or_begin_sweep(self) -> str:
        """The run id of the sweep that this point is part of."""
        folder, place = sweep_folder_of(self._folder), (self._destination, self._connection)
        sent = _known(folder, *place)
        if sent is None:
            with _alone(folder, self._destination):
                # Another point's process may have begun it meanwhile.
                sent = _known(folder, *place)
                if sent is None:
                    record = read_record(folder)
                    sent = _begin(folder, *place, record, terms_of(folder, record, self._destination.run_name).tags)
        return sent.run_id

    def _note(self, **changes: Any) -> None:
        self._sent = replace(self._sent, **changes)
        write_sent(self._folder, self._destination, self._sent)

    def _send_tags(self) -> None:
        # Only those that changed: what was renamed on MLflow's page stays so.
        new = {key: value for key, value in self._terms.tags.items() if self._sent.tags.get(key) != value}
        if new:
            self._connection.set_tags(self._sent.run_id, new)
            self._note(tags=self._terms.tags)

    def _send_params(self) -> None:
        digest = digest_of(self._terms.params)
        if digest != self._sent.params:
            self._connection.log_params(self._sent.run_id, self._terms.params)
            self._note(params=digest)

    def _send_points(self) -> None:
        for batch in _batches_of(self._terms.steps[self._sent.steps :]):
            self._connection.log_points(self._sent.run_id, batch)
            self._note(steps=self._sent.steps + len(batch))
        for batch in _batches_of(self._terms.sums):
            self._connection.log_points(self._sent.run_id, batch)

    def _send_artifacts(self) -> None:
        self._connection.clear_uploads(self._sent.run_id)
        for name in _files_of(self._folder, self._record):
            digest = digest_file(self._folder / name)
            if digest != self._sent.artifacts.get(name):
                parent = Path(name).parent.as_posix()
                self._connection.send_file(self._sent.run_id, self._folder / name, None if parent == "." else parent)
                self._note(artifacts={**self._sent.artifacts, name: digest})

    def _send_status(self) -> None:
        last = self._record.attempts[-1]
        if self._record.status != self._sent.status:
            ended = milliseconds(last.finished or last.started)
            self._connection.set_status(self._sent.run_id, self._record.status, ended)
            self._note(status=self._record.status)


def _known(folder: Path, destination: Destination, connection: Connection) -> Sent | None:
    """What was noted of a run that the destination still has."""
    sent = read_sent(folder, destination)
    return sent if sent is not None and connection.knows(sent.run_id) else None


def _begin(
    folder: Path, destination: Destination, connection: Connection, record: Record, tags: dict[str, str]
) -> Sent:
    """Make the run, or find the one that was made and not noted."""
    run = connection.find_or_create_run(tags, milliseconds(record.attempts[0].started))
    sent = Sent(
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        status=run.status,
        tags={},
        params=None,
        steps=0,
        artifacts={},
    )
    write_sent(folder, destination, sent)
    return sent


def _files_of(folder: Path, record: Record) -> list[str]:
    """What is sent of a folder: the files in it that its record names, the step log, and the record, which is last."""
    names = [name for kind, name in record.files.items() if kind not in _NOT_SENT]
    inside = [name for name in names if not Path(name).is_absolute() and ".." not in Path(name).parts]
    return [name for name in dict.fromkeys((*inside, STEPS_NAME, RECORD_NAME)) if (folder / name).is_file()]


@contextmanager
def _alone(folder: Path, destination: Destination) -> Iterator[None]:
    """While no other process publishes this run."""
    lock = FileLock(folder / _LOCK_NAME)
    try:
        lock.acquire(timeout=destination.patience)
    except Timeout as error:
        problem = "is being told of the run by another process"
        raise TrackingError(destination.address, problem, away=False) from error
    try:
        yield
    finally:
        lock.release()


def _batches_of(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    for start in range(0, len(points), POINTS_AT_ONCE):
        yield points[start : start + POINTS_AT_ONCE]
