"""How far a sweep is, read from the records of its points."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2v_runner.errors import InputError
from s2v_runner.tracking.definition import PointDefinition, SweepDefinition, point_folder
from s2v_runner.tracking.record import RECORD_NAME, Record, read_record


@dataclass(frozen=True)
class PointProgress:
    """A point as it stands."""

    definition: PointDefinition
    folder: Path
    record: Record | None
    """None where it has not been begun, and where its record cannot be read."""
    problem: str | None
    """Why its record cannot be read."""


def read_progress(sweep: Path, definition: SweepDefinition) -> list[PointProgress]:
    """Every point of a sweep, in their order. A record that is damaged does not hide the others."""
    return [_read_point(point_folder(sweep, point), point) for point in definition.points]


def count_points(points: Sequence[PointProgress]) -> dict[str, int]:
    """How many points there are, and how many of them have finished and failed."""
    statuses = [point.record.status for point in points if point.record is not None]
    return {"points": len(points), "finished": statuses.count("FINISHED"), "failed": statuses.count("FAILED")}


def _read_point(folder: Path, point: PointDefinition) -> PointProgress:
    if not (folder / RECORD_NAME).exists():
        return PointProgress(point, folder, None, None)
    try:
        return PointProgress(point, folder, read_record(folder), None)
    except InputError as error:
        return PointProgress(point, folder, None, error.problem)
