"""Records as they are written and read back."""

import dataclasses
import errno
import json
import os
from pathlib import Path

import pytest

from s2v_runner.errors import InputError, OutputError
from s2v_runner.tracking.record import RECORD_NAME, read_record, write_atomically, write_record
from tests.tracking.conftest import BuildRecord, attempt_of, read_json


def test_a_record_comes_back_as_it_was(tmp_path: Path, build_record: BuildRecord):
    record = build_record("FAILED", requested={"prompt": "你好"}, warnings=("short of memory",), reproduces="runs/a/b")
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record


def test_what_went_wrong_is_the_last_attempts(build_record: BuildRecord):
    assert build_record("FINISHED", attempts=(attempt_of("KILLED"), attempt_of("FINISHED"))).error is None
    assert build_record("FAILED").error == "stopped"


def test_seconds_are_of_all_attempts(build_record: BuildRecord):
    assert build_record("FINISHED", attempts=(attempt_of("KILLED"), attempt_of("FINISHED"))).seconds == 2 * 42.5


def test_a_folder_without_a_record_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=str(tmp_path)):
        read_record(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "{}", b"\xff\xfe{}", b"\0" * 64])
def test_what_is_no_record_is_refused(tmp_path: Path, content: str | bytes):
    (tmp_path / RECORD_NAME).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=RECORD_NAME):
        read_record(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 2},
        {"attempts": []},
        {"attempts": None},
        {"attempts": ["RUNNING"]},
        {"attempts": [{"started": "2026-03-01"}]},
        {"status": "DONE"},
        {"status": None},
        {"warnings": None},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_damaged_record_is_refused(tmp_path: Path, build_record: BuildRecord, damage: dict):
    write_record(tmp_path, build_record("FINISHED"))
    content = read_json(tmp_path / RECORD_NAME) | damage
    (tmp_path / RECORD_NAME).write_text(json.dumps(content))
    with pytest.raises(InputError, match=RECORD_NAME):
        read_record(tmp_path)


def test_a_record_that_lacks_something_is_refused(tmp_path: Path, build_record: BuildRecord):
    names = {field.name for field in dataclasses.fields(build_record("FINISHED"))}
    for name in names - {"measures", "clip_measures", "prepared"}:
        content = dataclasses.asdict(build_record("FINISHED"))
        del content[name]
        (tmp_path / RECORD_NAME).write_text(json.dumps(content))
        with pytest.raises(InputError, match=RECORD_NAME):
            read_record(tmp_path)


def test_a_record_from_before_anything_was_measured_has_no_measures(tmp_path: Path, build_record: BuildRecord):
    content = dataclasses.asdict(build_record("FINISHED"))
    del content["measures"], content["clip_measures"]
    (tmp_path / RECORD_NAME).write_text(json.dumps(content))
    assert read_record(tmp_path) == build_record("FINISHED", measures={}, clip_measures={})


@pytest.mark.parametrize(("place", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_record_is_written_whole_or_not_at_all(
    tmp_path: Path, build_record: BuildRecord, monkeypatch: pytest.MonkeyPatch, place: object, call: str
):
    write_record(tmp_path, build_record("RUNNING"))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(place, call, full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_record(tmp_path, build_record("FINISHED"))
    assert read_record(tmp_path) == build_record("RUNNING")
    assert [path.name for path in tmp_path.iterdir()] == [RECORD_NAME]


def test_a_folder_that_is_gone_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match="gone"):
        write_atomically(tmp_path / "gone" / "file.json", "{}")
