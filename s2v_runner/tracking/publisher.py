"""The folder of a run → MLflow, as often as there is something new. Sends only what is missing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from s2v_runner.digests import digest_file, digest_of
from s2v_runner.errors import InputError
from s2v_runner.tracking.client import POINTS_AT_ONCE, Connection, connect
from s2v_runner.tracking.destination import Destination, Published, TrackingError, describe_published
from s2v_runner.tracking.journal import read_steps
from s2v_runner.tracking.record import RECORD_NAME, STEPS_NAME, Record, read_record, write_atomically
from s2v_runner.tracking.translation import Point, milliseconds, params_of, points_of_end, points_of_steps, tags_of

PUBLISHED_NAME = "published.json"
_LOCK_NAME = ".published.lock"
_FORMAT = 1
# Kinds of files that are too large to be kept twice.
_NOT_SENT = ("frames",)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a destination has of a run."""

    run_id: str
    experiment_id: str
    status: str
    tags: Mapping[str, str]
    params: str | None
    """A digest of them."""
    steps: int
    """How many lines of the step log."""
    artifacts: Mapping[str, str]
    """The SHA-256 of each file, by its path in the folder of the run."""


def publish(folder: Path, destination: Destination) -> Published:
    """Tell MLflow what it does not know yet of a run. Called again, it goes on where it stopped.

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
    sent = _read_sent(folder, destination)
    if sent is None or (destination.is_embedded and not destination.database.exists()):
        return None
    status = read_record(folder).status
    # The record is written last and sent last: once it has arrived as it stands, so has the rest.
    arrived = sent.artifacts.get(RECORD_NAME) == digest_file(folder / RECORD_NAME)
    complete = status != "RUNNING" and sent.status == status and arrived
    return describe_published(destination, sent.run_id, sent.experiment_id, complete)


class _Sending:
    """One go at it. What has arrived is noted after each part, so that a cut neither loses nor doubles anything."""

    def __init__(self, folder: Path, destination: Destination, connection: Connection, record: Record) -> None:
        self._folder = folder
        self._destination = destination
        self._connection = connection
        self._record = record
        self._tags = tags_of(folder, record, destination.run_name)
        sent = _read_sent(folder, destination)
        self._sent = sent if sent is not None and connection.knows(sent.run_id) else self._begin()

    def send(self) -> None:
        record = self._record
        if record.status == "RUNNING" != self._sent.status:
            # Taken up again.
            self._send_status()
        self._send_tags()
        self._send_params()
        self._send_steps()
        if record.status != "RUNNING":
            self._send_artifacts()
            self._send_status()

    def _begin(self) -> Sent:
        run = self._connection.find_or_create_run(self._tags, milliseconds(self._record.attempts[0].started))
        sent = Sent(
            run_id=run.run_id,
            experiment_id=run.experiment_id,
            status=run.status,
            tags={},
            params=None,
            steps=0,
            artifacts={},
        )
        _write_sent(self._folder, self._destination, sent)
        return sent

    def _note(self, **changes: Any) -> None:
        self._sent = replace(self._sent, **changes)
        _write_sent(self._folder, self._destination, self._sent)

    def _send_tags(self) -> None:
        # Only those that changed: what was renamed on MLflow's page stays so.
        new = {key: value for key, value in self._tags.items() if self._sent.tags.get(key) != value}
        if new:
            self._connection.set_tags(self._sent.run_id, new)
            self._note(tags=self._tags)

    def _send_params(self) -> None:
        params = params_of(self._record)
        digest = digest_of(params)
        if digest != self._sent.params:
            self._connection.log_params(self._sent.run_id, params)
            self._note(params=digest)

    def _send_steps(self) -> None:
        points = points_of_steps(list(read_steps(self._folder)))
        for batch in _batches_of(points[self._sent.steps :]):
            self._connection.log_points(self._sent.run_id, batch)
            self._note(steps=self._sent.steps + len(batch))

    def _send_artifacts(self) -> None:
        files = [name for kind, name in self._record.files.items() if kind not in _NOT_SENT]
        # The record closes what an attempt sends, so what it sums up goes before it.
        for name in dict.fromkeys((*files, STEPS_NAME)):
            self._send_file(name)
        for batch in _batches_of(points_of_end(self._record)):
            self._connection.log_points(self._sent.run_id, batch)
        self._send_file(RECORD_NAME)

    def _send_file(self, name: str) -> None:
        """Send a file of the folder, if it is one, and not as it was sent before."""
        path = Path(name)
        file = self._folder / path
        if path.is_absolute() or ".." in path.parts or not file.is_file():
            return
        digest = digest_file(file)
        if digest != self._sent.artifacts.get(name):
            parent = path.parent.as_posix()
            self._connection.send_file(self._sent.run_id, file, None if parent == "." else parent)
            self._note(artifacts={**self._sent.artifacts, name: digest})

    def _send_status(self) -> None:
        last = self._record.attempts[-1]
        if self._record.status != self._sent.status:
            ended = milliseconds(last.finished or last.started)
            self._connection.set_status(self._sent.run_id, self._record.status, ended)
            self._note(status=self._record.status)


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


def _read_sent(folder: Path, destination: Destination) -> Sent | None:
    content = _read_published(folder)["destinations"].get(destination.address)
    return None if content is None else Sent(**content)


def _write_sent(folder: Path, destination: Destination, sent: Sent) -> None:
    content = _read_published(folder)
    content["destinations"][destination.address] = asdict(sent)
    write_atomically(folder / PUBLISHED_NAME, json.dumps(content, ensure_ascii=False, indent=1))


def _read_published(folder: Path) -> dict[str, Any]:
    path = folder / PUBLISHED_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"it is of format {content['format']}")
        return content
    except FileNotFoundError:
        return {"format": _FORMAT, "destinations": {}}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"'{path}'", f"it cannot be read ({error})", "Remove it, and the run is sent to MLflow once more"
        ) from error
