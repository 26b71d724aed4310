"""Folders of runs: no two runs in one, and only what was cut short is taken up."""

import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from filelock import FileLock

from s2v_runner.errors import InputError
from s2v_runner.tracking import folder as folders
from s2v_runner.tracking.folder import LOCK_NAME, find_runs, hold, is_alive, open_run_folder, prepare_outputs
from s2v_runner.tracking.record import RECORD_NAME, Record, Status, write_record
from tests.tracking.conftest import BuildRecord

NOW = datetime(2026, 3, 1, 12, 0, 0)
LATER = datetime(2026, 3, 1, 12, 0, 1)
IDENTITY = "ab" * 32


def leave(outputs: Path, record: Record, now: datetime) -> Path:
    """A run whose process is gone."""
    folder = open_run_folder(outputs, record.identity, now, take_up=False)
    write_record(folder.path, record)
    folder.lock.release()
    return folder.path


def test_outputs_stay_out_of_repositories(tmp_path: Path):
    prepare_outputs(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / ".gitignore").read_text().startswith("*")


def test_outputs_that_cannot_be_made_are_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"output\.folder '.*file/outputs'"):
        open_run_folder(tmp_path / "file" / "outputs", IDENTITY, NOW, take_up=True)


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path):
    opened = [open_run_folder(tmp_path, IDENTITY, NOW, take_up=True) for _ in range(3)]
    assert [folder.path.name for folder in opened] == [
        "12-00-00_abababababab",
        "12-00-00_abababababab_2",
        "12-00-00_abababababab_3",
    ]
    assert {folder.path.parent.name for folder in opened} == {"2026-03-01"}
    assert all(folder.previous is None and is_alive(folder.path) for folder in opened)


@pytest.mark.parametrize("status", ["RUNNING", "FAILED", "KILLED"])
def test_what_was_cut_short_is_taken_up(tmp_path: Path, build_record: BuildRecord, status: Status):
    path = leave(tmp_path, build_record(status), NOW)
    taken = open_run_folder(tmp_path, IDENTITY, LATER, take_up=True)
    assert (taken.path, taken.previous) == (path, build_record(status))
    assert is_alive(path)


@pytest.mark.parametrize(
    "left",
    [
        {"status": "FINISHED"},
        {"status": "KILLED", "identity": IDENTITY[:-1] + "c"},
        {"status": "KILLED", "reproduces": "runs/2026-02-28/12-00-00_abababababab"},
    ],
    ids=["finished", "another identity", "a reproduction"],
)
def test_what_is_no_part_of_it_is_left_alone(tmp_path: Path, build_record: BuildRecord, left: dict):
    path = leave(tmp_path, build_record(**left), NOW)
    opened = open_run_folder(tmp_path, IDENTITY, LATER, take_up=True)
    assert opened.path != path
    assert opened.previous is None


def test_nothing_is_taken_up_unasked(tmp_path: Path, build_record: BuildRecord):
    path = leave(tmp_path, build_record("KILLED"), NOW)
    assert open_run_folder(tmp_path, IDENTITY, LATER, take_up=False).path != path


def test_the_newest_is_taken_up(tmp_path: Path, build_record: BuildRecord):
    leave(tmp_path, build_record("KILLED"), NOW)
    newest = leave(tmp_path, build_record("KILLED"), LATER)
    assert open_run_folder(tmp_path, IDENTITY, LATER, take_up=True).path == newest


def test_a_run_is_taken_up_once(tmp_path: Path, build_record: BuildRecord):
    path = leave(tmp_path, build_record("RUNNING"), NOW)
    first = open_run_folder(tmp_path, IDENTITY, LATER, take_up=True)
    second = open_run_folder(tmp_path, IDENTITY, LATER, take_up=True)
    assert first.path == path
    assert second.path != path
    assert second.previous is None


def test_what_was_finished_meanwhile_is_not_taken_up(
    tmp_path: Path, build_record: BuildRecord, monkeypatch: pytest.MonkeyPatch
):
    path = leave(tmp_path, build_record("RUNNING"), NOW)

    def hold_late(wanted: Path) -> FileLock | None:
        write_record(wanted, build_record("FINISHED"))
        return hold(wanted)

    monkeypatch.setattr(folders, "hold", hold_late)
    opened = open_run_folder(tmp_path, IDENTITY, LATER, take_up=True)
    monkeypatch.undo()
    assert opened.path != path
    assert not is_alive(path)


@pytest.mark.parametrize("content", ["", "{", None])
def test_a_damaged_run_is_not_taken_up(tmp_path: Path, build_record: BuildRecord, content: str | None):
    path = leave(tmp_path, build_record("KILLED"), NOW)
    (path / RECORD_NAME).unlink()
    if content is not None:
        (path / RECORD_NAME).write_text(content)
    assert open_run_folder(tmp_path, IDENTITY, LATER, take_up=True).path != path


def test_what_belongs_to_somebody_else_is_not_taken_up(
    tmp_path: Path, build_record: BuildRecord, monkeypatch: pytest.MonkeyPatch
):
    path = leave(tmp_path, build_record("KILLED"), NOW)
    acquire = FileLock.acquire

    def refuse(lock: FileLock, *arguments: float, **settings: float):
        if Path(lock.lock_file).parent == path:
            raise PermissionError(13, "Permission denied", lock.lock_file)
        return acquire(lock, *arguments, **settings)

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert open_run_folder(tmp_path, IDENTITY, LATER, take_up=True).path != path
    assert is_alive(path)


def test_a_run_is_alive_as_long_as_its_process(tmp_path: Path, build_record: BuildRecord):
    path = leave(tmp_path, build_record("RUNNING"), NOW)
    assert not is_alive(path)
    code = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"
    command = [sys.executable, "-c", code, str(path / LOCK_NAME)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_alive(path)
        assert hold(path) is None
        process.kill()
        process.wait()
    assert not is_alive(path)


def test_runs_are_found_oldest_first(tmp_path: Path, build_record: BuildRecord):
    later = leave(tmp_path, build_record("KILLED"), LATER)
    first = leave(tmp_path, build_record("FINISHED", identity="zz" * 32), NOW)
    open_run_folder(tmp_path, IDENTITY, NOW, take_up=False)
    assert list(find_runs(tmp_path)) == [first, later]
    assert list(find_runs(tmp_path / "nowhere")) == []


def test_runs_of_one_second_are_found_oldest_first(tmp_path: Path, build_record: BuildRecord):
    def begin(identity: str, started: str) -> Path:
        record = build_record("FINISHED", identity=identity * 32)
        first = replace(record.attempts[0], started=f"2026-03-01T12:00:00.{started}+01:00")
        return leave(tmp_path, replace(record, attempts=(first,)), NOW)

    third, first, second = begin("aa", "900"), begin("cc", "100"), begin("bb", "500")
    assert list(find_runs(tmp_path)) == [first, second, third]
    # One that is damaged is still found.
    (second / RECORD_NAME).write_text("{")
    assert list(find_runs(tmp_path)) == [second, first, third]
