"""Folders of runs: made so that no two runs share one, and found again when a run was cut short."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from filelock import FileLock, Timeout

from s2v_runner.errors import InputError, OutputError
from s2v_runner.replacement import discard_leftovers, replacing, unfinished_path
from s2v_runner.tracking.definition import DEFINITION_NAME, POINTS
from s2v_runner.tracking.liveness import is_at_work
from s2v_runner.tracking.record import IDENTITY_SHOWN, RECORD_NAME, UNFINISHED, Record, read_record

RUNS = "runs"
SWEEPS = "sweeps"
LOCK_NAME = ".lock"
RESUME_NAME = "resume"
# What runs leave is data, not source: a folder that comes to be inside a repository stays out of it.
_IGNORE_ALL = "*\n!.gitignore\n"


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run, locked for as long as this process works in it."""

    path: Path
    lock: FileLock
    previous: Record | None
    """What an earlier attempt left, where this run takes one up."""

    @property
    def resume(self) -> Path:
        """Where the state between clips is kept until the run has finished."""
        return self.path / RESUME_NAME


def prepare_outputs(outputs: Path) -> None:
    """Make the output folder. Raises InputError when it cannot be."""
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        discard_leftovers(outputs)
        ignore = outputs / ".gitignore"
        if not ignore.exists():
            with replacing(ignore, unfinished_path(ignore)) as file:
                file.write(_IGNORE_ALL.encode())
    except OSError as error:
        raise InputError(
            f"output.folder '{outputs}'", f"it cannot be written to ({error.strerror})", "Give a folder you may write"
        ) from error


def open_run_folder(outputs: Path, identity: str, now: datetime, take_up: bool) -> RunFolder:
    """A folder for a run of this identity: an unfinished one where `take_up` allows it, else a new one.

    Raises InputError when the output folder cannot be written to.
    """
    prepare_outputs(outputs)
    if take_up:
        for path in sorted(outputs.glob(f"{RUNS}/*/*_{identity[:IDENTITY_SHOWN]}*"), reverse=True):
            folder = _take_up(path, identity)
            if folder is not None:
                return folder
    day = outputs / RUNS / f"{now:%Y-%m-%d}"
    name = f"{now:%H-%M-%S}_{identity[:IDENTITY_SHOWN]}"
    for number in range(1, 1000):
        path = day / (name if number == 1 else f"{name}_{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise InputError(
                f"output.folder '{outputs}'",
                f"it cannot be written to ({error.strerror})",
                "Give a folder you may write",
            ) from error
        return RunFolder(path, _lock(path, wait=True), None)
    raise AssertionError(f"a thousand runs of {identity} in one second")


def finished_videos(outputs: Path, identity: str) -> Iterator[Path]:
    """The videos of finished runs of this identity, the latest first."""
    for path in sorted(outputs.glob(f"{RUNS}/*/*_{identity[:IDENTITY_SHOWN]}*"), reverse=True):
        try:
            record = read_record(path)
        except InputError:
            continue
        if record.identity == identity and record.status == "FINISHED" and (path / record.files["video"]).is_file():
            yield path / record.files["video"]


def open_point_folder(path: Path) -> RunFolder | None:
    """The folder of a sweep's point; None where another process works in it. Raises OutputError when it cannot be made.

    A record that cannot be read is as good as none: the point is made anew.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = _lock(path, wait=False)
    except Timeout:
        return None
    except OSError as error:
        raise OutputError(path, error) from error
    try:
        # Read once it is held, since another process may have been at it until then.
        return RunFolder(path, lock, read_record(path))
    except InputError:
        return RunFolder(path, lock, None)


@contextmanager
def sweep_held(folder: Path) -> Iterator[None]:
    """While no other process writes what belongs to a sweep as a whole. Held for moments. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder, wait=True)
    except OSError as error:
        raise OutputError(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def lost_runs(outputs: Path, identity: str) -> Iterator[Path]:
    """The folders of single runs of this identity that say they go on while nobody works in them."""
    for path in outputs.glob(f"{RUNS}/*/*_{identity[:IDENTITY_SHOWN]}*"):
        try:
            record = read_record(path)
        except InputError:
            continue
        if record.identity == identity and record.status == "RUNNING" and not is_alive(path):
            yield path


def find_runs(outputs: Path) -> Iterator[Path]:
    """The folders of all runs, oldest first, and those of the points of sweeps behind them, sweep by sweep."""
    folders = sorted(path.parent for path in outputs.glob(f"{RUNS}/*/*/{RECORD_NAME}"))
    for _, same_second in groupby(folders, key=lambda folder: (folder.parent.name, folder.name.partition("_")[0])):
        yield from _by_beginning(list(same_second))
    yield from sorted(path.parent for path in outputs.glob(f"{SWEEPS}/*/{POINTS}/*/{RECORD_NAME}"))


def _by_beginning(folders: list[Path]) -> list[Path]:
    """Folders whose names are of the same second. One whose record cannot be read goes first."""

    def begun(folder: Path) -> str:
        try:
            return read_record(folder).attempts[0].started
        except InputError:
            return ""

    return sorted(folders, key=begun) if len(folders) > 1 else folders


def find_sweeps(outputs: Path) -> Iterator[Path]:
    """The folders of all sweeps that have been defined, in the order of their identities."""
    yield from sorted(path.parent for path in outputs.glob(f"{SWEEPS}/*/{DEFINITION_NAME}"))


def is_alive(path: Path) -> bool:
    """Whether a process works in this run folder now. Holds it for a moment: what acts on the answer uses `hold`."""
    lock = hold(path)
    if lock is None:
        return True
    lock.release()
    return False


def is_sweep_alive(folder: Path) -> bool:
    """Whether a process makes points of this sweep now: one that began an attempt, or holds one of the points."""
    try:
        attempts = read_record(folder).attempts
    except InputError:
        attempts = ()
    # The locks are asked last: whoever asks holds them for a moment.
    points = (lock.parent for lock in folder.glob(f"{POINTS}/*/{LOCK_NAME}"))
    return any(map(is_at_work, attempts)) or any(map(is_alive, points))


def hold(path: Path) -> FileLock | None:
    """The lock of a run folder; None where a process works in it, or where it is not ours to write to."""
    try:
        return _lock(path, wait=False)
    except (Timeout, PermissionError):
        return None


def _take_up(path: Path, identity: str) -> RunFolder | None:
    try:
        record = read_record(path)
    except InputError:
        # Without a record nothing was begun; another process may be about to write one.
        return None
    if record.identity != identity or record.status not in UNFINISHED or record.reproduces is not None:
        return None
    lock = hold(path)
    if lock is None:
        return None
    # Between reading and locking, another process may have finished it.
    record = read_record(path)
    if record.status in UNFINISHED:
        return RunFolder(path, lock, record)
    lock.release()
    return None


def _lock(path: Path, wait: bool) -> FileLock:
    """The lock of a folder; the system lets go of it however its process ends. Raises filelock's Timeout."""
    lock = FileLock(path / LOCK_NAME)
    lock.acquire(timeout=-1 if wait else 0)
    return lock
