"""The record of a run: one JSON file that says what was asked, what was done, and what came of it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from s2v_runner.errors import InputError, OutputError
from s2v_runner.replacement import replacing, unfinished_path

RECORD_NAME = "record.json"
STEPS_NAME = "steps.jsonl"
FORMAT = 1
IDENTITY_SHOWN = 12
"""Characters of an identity that tell runs apart to people, and in the names of folders."""

Kind = Literal["run", "point", "sweep"]
Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
UNFINISHED: frozenset[str] = frozenset({"RUNNING", "FAILED", "KILLED"})


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One start of the run. A run that was stopped and taken up again has several."""

    started: str
    """ISO 8601 with the offset from UTC, as all times here."""
    finished: str | None
    status: Status
    error: str | None
    host: str
    process: int
    stages: Mapping[str, float]
    """Seconds of each stage."""
    peak_memory: Mapping[str, int]
    """Bytes: `host` resident, `device` allocated."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything about a run that can be written down."""

    format: int
    kind: Kind
    status: Status
    identity: str
    """Hash of what was asked and of the inputs' content: equal for runs that would make the same video."""
    command: tuple[str, ...]
    overrides: tuple[str, ...]
    choices: Mapping[str, str]
    """What was chosen in each group of the configuration."""
    requested: Mapping[str, Any]
    """The configuration as it was composed."""
    resolved: Mapping[str, Any]
    """The settings as they were carried out."""
    plan: Mapping[str, Any]
    base_seed: int
    inputs: Mapping[str, Mapping[str, Any]]
    """For each input its path, SHA-256 and where a copy of it is kept."""
    prepared: Mapping[str, Mapping[str, Any]]
    """By input what was done to it, or to make it: `facts`, `words` for a person, and `warnings`. Of a prompt that was
    extended also both texts."""
    checkpoint: Mapping[str, Any]
    environment: Mapping[str, Any]
    """Code, packages and machine."""
    attempts: tuple[Attempt, ...]
    frames: Mapping[str, Any] | None
    """Count, size and SHA-256 of the finished video's raw frames, 8-bit RGB, row by row."""
    measures: Mapping[str, Mapping[str, Any]]
    """What was measured of the video: by metric the `value`, or the `reason` why there is none."""
    clip_measures: Mapping[str, Sequence[float | None]]
    """By metric its value over each clip, where that makes sense."""
    files: Mapping[str, str]
    """What was made, by kind, relative to the folder of the run where it is inside."""
    warnings: tuple[str, ...]
    reproduces: str | None
    """The folder of the run that this one repeats."""

    @property
    def error(self) -> str | None:
        return self.attempts[-1].error

    @property
    def seconds(self) -> float:
        """Time spent in stages, over all attempts."""
        return sum(sum(attempt.stages.values()) for attempt in self.attempts)


def write_record(folder: Path, record: Record) -> None:
    """Write `record.json`, whole or not at all. Raises OutputError."""
    content = json.dumps(dataclasses.asdict(record), ensure_ascii=False, indent=1, default=str)
    write_atomically(folder / RECORD_NAME, content)


def read_record(folder: Path) -> Record:
    """Read a record back. Raises InputError when there is none or it cannot be understood."""
    path = folder / RECORD_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            problem = f"it is of format {content['format']}"
            raise InputError(f"record '{path}'", problem, "Use the version that wrote it")
        content["attempts"] = tuple(Attempt(**attempt) for attempt in content["attempts"])
        if not content["attempts"] or content["status"] not in get_args(Status):
            raise ValueError("no attempt, or a status that there is not")
        for name in ("measures", "clip_measures", "prepared"):
            # Records from before anything was measured or prepared are of this format too.
            content.setdefault(name, {})
        for name in ("command", "overrides", "warnings"):
            content[name] = tuple(content[name])
        return Record(**content)
    except FileNotFoundError as error:
        raise InputError(f"run '{folder}'", f"there is no {RECORD_NAME} in it", "Give the folder of a run") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        problem = f"it cannot be read ({error})"
        raise InputError(f"record '{path}'", problem, "Give the folder of another run") from error


def write_atomically(path: Path, content: str) -> None:
    """Text under another name first, then moved. Raises OutputError."""
    try:
        with replacing(path, unfinished_path(path)) as file:
            file.write(content.encode())
    except OSError as error:
        raise OutputError(path, error) from error
