"""How the points of a sweep stand, read from their folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from s2v_runner.errors import InputError
from s2v_runner.sweep.preparation import PreparedSweep
from s2v_runner.tracking.record import RECORD_NAME, Record, read_record

Standing = Literal["new", "begun", "failed", "lost", "finished"]
"""`begun` was stopped or is being made; `lost` was finished, and its video has gone."""


@dataclass(frozen=True)
class PointState:
    standing: Standing
    record: Record | None

    @property
    def attempts(self) -> int:
        return 0 if self.record is None else len(self.record.attempts)


NEW = PointState("new", None)


def read_states(sweep: PreparedSweep, seed: int | None) -> dict[int, PointState]:
    """How every point stands, by its number. `seed` is what was drawn for the sweep, if anything was."""
    return {
        point.definition.number: read_state(sweep.folder_of(point), seed if point.draws_seed else None)
        for point in sweep.points
    }


def read_state(folder: Path, seed: int | None) -> PointState:
    """How the point in this folder stands. One of another seed than `seed` has not been begun."""
    if not (folder / RECORD_NAME).is_file():
        return NEW
    try:
        record = read_record(folder)
    except InputError:
        # As good as none: its point is made anew.
        return PointState("lost", None)
    return state_of(folder, record, seed)


def state_of(folder: Path, record: Record, seed: int | None) -> PointState:
    """How a point with this record stands."""
    if seed is not None and record.base_seed != seed:
        return PointState("new", record)
    if record.status == "FINISHED":
        return PointState("finished" if _is_whole(folder, record) else "lost", record)
    return PointState("failed" if record.status == "FAILED" else "begun", record)


def count_states(states: Mapping[int, PointState]) -> dict[Standing, int]:
    """How many points stand how."""
    counts: dict[Standing, int] = {"new": 0, "begun": 0, "failed": 0, "lost": 0, "finished": 0}
    for state in states.values():
        counts[state.standing] += 1
    return counts


def _is_whole(folder: Path, record: Record) -> bool:
    """Whether the files of its own that a finished point wrote are there."""
    return all((folder / record.files[kind]).exists() for kind in ("video", "frames") if kind in record.files)
