"""What MLflow is to be told of a folder: a run, a point of a sweep, or the sweep itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2v_runner.errors import InputError
from s2v_runner.tracking.definition import DEFINITION_NAME, read_definition, sweep_folder_of
from s2v_runner.tracking.journal import read_steps
from s2v_runner.tracking.progress import read_progress
from s2v_runner.tracking.record import Record
from s2v_runner.tracking.sweep_translation import (
    name_of_point,
    note_of,
    params_of_sweep,
    points_of_sweep,
    tags_of_trial,
    title_of,
)
from s2v_runner.tracking.translation import Point, params_of, points_of_end, points_of_steps, tags_of

_NOTE_TAG = "mlflow.note.content"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """A folder as it stands, in MLflow's terms."""

    tags: dict[str, str]
    params: dict[str, str]
    steps: Sequence[Point]
    """They only grow: those that were sent need not be sent again."""
    sums: Sequence[Point]
    """What it has come to. These are sent together: MLflow keeps one of those that are equal."""


def terms_of(folder: Path, record: Record, run_name: str | None) -> Terms:
    """What to tell of it. `run_name` is what the user calls all runs. Raises InputError for a sweep that is damaged."""
    if record.kind == "sweep":
        return _terms_of_sweep(folder, record, run_name)
    return Terms(
        tags=_tags_of_run(folder, record, run_name),
        params=params_of(record),
        steps=points_of_steps(list(read_steps(folder))),
        sums=() if record.status == "RUNNING" else points_of_end(record),
    )


def _terms_of_sweep(folder: Path, record: Record, run_name: str | None) -> Terms:
    definition = read_definition(folder)
    tags = tags_of(folder, record, title_of(definition, run_name))
    return Terms(
        tags={**tags, _NOTE_TAG: note_of(record, definition, run_name)},
        params=params_of_sweep(record, definition),
        steps=(),
        sums=points_of_sweep(record, read_progress(folder, definition)),
    )


def _tags_of_run(folder: Path, record: Record, run_name: str | None) -> dict[str, str]:
    if record.kind == "run":
        return tags_of(folder, record, run_name or f"{folder.parent.name} {folder.name}")
    sweep = sweep_folder_of(folder)
    definition = read_definition(sweep)
    for point in definition.points:
        if point.folder_name == folder.name:
            tags = tags_of(folder, record, name_of_point(definition, point, run_name))
            place = {"sweep": definition.identity, "point": str(point.number)}
            return {**tags, **place, **tags_of_trial(definition, point)}
    raise InputError(f"point '{folder}'", f"'{sweep / DEFINITION_NAME}' does not name it", "Move it out of the sweep")
