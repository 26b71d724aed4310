"""Files that are whole or not there, whoever writes them and whenever they are killed."""

import errno
import fcntl
import os
import signal
from pathlib import Path

import pytest

from s2v_runner.replacement import discard_leftovers, guarded_by, is_being_written, replacing, unfinished_path
from tests.runs import Child, fork


def write(path: Path, content: bytes) -> None:
    with replacing(path, unfinished_path(path)) as file:
        file.write(content)


def stuck_writer(path: Path) -> Child:
    """A process that has begun to write a file and does not go on."""

    def act() -> int:
        with replacing(path, unfinished_path(path)) as file:
            file.write(b"half of what is to be written")
            file.flush()
            print("stuck", flush=True)
            signal.pause()
        return 0

    child = fork(act)
    child.lines_until("stuck")
    return child


def kill(child: Child) -> None:
    child.kill(signal.SIGKILL)
    assert child.wait()[0] == -signal.SIGKILL


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_takes_the_place_of_what_was_there(tmp_path: Path):
    write(tmp_path / "file", b"a long first one")
    write(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"second"
    assert names(tmp_path) == ["file"]


def test_until_it_is_whole_the_old_one_is_there(tmp_path: Path):
    write(tmp_path / "file", b"old")
    with replacing(tmp_path / "file", unfinished_path(tmp_path / "file")) as file:
        file.write(b"new")
        file.flush()
        assert (tmp_path / "file").read_bytes() == b"old"
        assert names(tmp_path) == [".file.unfinished", "file"]


def test_a_block_that_raises_leaves_what_was_there(tmp_path: Path):
    def write_and_fail() -> None:
        with replacing(tmp_path / "file", unfinished_path(tmp_path / "file")) as file:
            file.write(b"new")
            raise ZeroDivisionError

    write(tmp_path / "file", b"old")
    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_an_interruption_as_the_file_is_opened_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(file: object, operation: int) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    write(tmp_path / "file", b"old")
    monkeypatch.setattr(fcntl, "flock", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "gone" / "file", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "folder", b"")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("name", ["n" * 255, "一" * 85])
def test_the_longest_name_there_is_can_be_written(tmp_path: Path, name: str):
    write(tmp_path / name, b"content")
    assert names(tmp_path) == [name]
    other = f"{name[:-1]}m"
    assert unfinished_path(tmp_path / name) != unfinished_path(tmp_path / other)


def test_what_a_killed_process_left_is_taken_over(tmp_path: Path):
    kill(stuck_writer(tmp_path / "file"))
    assert names(tmp_path) == [".file.unfinished"]
    write(tmp_path / "file", b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert names(tmp_path) == ["file"]


def test_two_processes_write_one_after_the_other(tmp_path: Path):
    first = stuck_writer(tmp_path / "file")

    def act() -> int:
        print("begins", flush=True)
        write(tmp_path / "file", b"second")
        print("ends", flush=True)
        return 0

    second = fork(act)
    second.lines_until("begins")
    assert names(tmp_path) == [".file.unfinished"]
    assert os.waitpid(second.pid, os.WNOHANG) == (0, 0)
    kill(first)
    assert second.wait()[0] == 0
    assert (tmp_path / "file").read_bytes() == b"second"
    assert names(tmp_path) == ["file"]


def test_many_processes_that_write_the_same_leave_it_whole(tmp_path: Path):
    contents = {bytes([letter]) * 100_000 for letter in b"abcd"}

    def writer(content: bytes) -> Child:
        def act() -> int:
            for _ in range(50):
                write(tmp_path / "file", content)
                assert (tmp_path / "file").read_bytes() in contents
                discard_leftovers(tmp_path)
            return 0

        return fork(act)

    children = [writer(content) for content in sorted(contents)]
    assert [child.wait() for child in children] == [(0, "")] * 4
    assert names(tmp_path) == ["file"]


def test_only_what_nobody_writes_is_discarded(tmp_path: Path):
    kill(stuck_writer(tmp_path / "killed"))
    writer = stuck_writer(tmp_path / "living")
    assert is_being_written(tmp_path / ".living.unfinished")
    assert not is_being_written(tmp_path / ".killed.unfinished")
    assert not is_being_written(tmp_path / ".gone.unfinished")
    (tmp_path / ".lock").touch()
    (tmp_path / "unfinished").touch()
    discard_leftovers(tmp_path)
    assert names(tmp_path) == [".living.unfinished", ".lock", "unfinished"]
    kill(writer)
    discard_leftovers(tmp_path)
    assert names(tmp_path) == [".lock", "unfinished"]
    discard_leftovers(tmp_path / "gone")


def test_a_guard_is_gone_afterwards_and_one_that_was_left_does_not_bar_the_way(tmp_path: Path):
    (tmp_path / ".guard").touch()
    with guarded_by(tmp_path / ".guard"):
        assert names(tmp_path) == [".guard"]
    assert names(tmp_path) == []


def test_only_one_process_is_behind_a_guard(tmp_path: Path):
    def act() -> int:
        for _ in range(200):
            with guarded_by(tmp_path / ".guard"):
                # Fails where another one is at it.
                (tmp_path / "inside").mkdir()
                (tmp_path / "inside").rmdir()
        return 0

    children = [fork(act) for _ in range(3)]
    assert [child.wait() for child in children] == [(0, "")] * 3
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_without_locks_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int):
    def refuse(file: object, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert names(tmp_path) == ["file"]
