"""What a sweep is to make: one JSON file, written before its first point is begun and never changed by one.

That of a search becomes longer with each trial.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2v_runner.errors import InputError
from s2v_runner.records import Value
from s2v_runner.tracking.record import IDENTITY_SHOWN, write_atomically

DEFINITION_NAME = "sweep.json"
POINTS = "points"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class PointDefinition:
    """One point of a sweep."""

    number: int
    """From 1, in the order in which the points are made."""
    identity: str
    """That of the run it is."""
    values: Mapping[str, Value]
    """What sets it apart: for each swept key what it has there."""

    @property
    def folder_name(self) -> str:
        return f"{self.number:04}_{self.identity[:IDENTITY_SHOWN]}"


@dataclass(frozen=True, kw_only=True)
class TrialDefinition:
    """Settings that a search tries, on everything that it averages over."""

    number: int
    """From 1, in the order in which they were asked for."""
    values: Mapping[str, Value]
    """The settings, by key."""
    points: tuple[int, ...]
    """The numbers of its points. Trials of equal settings share them."""
    notes: Mapping[str, Any]
    """What the sampler noted beside it, and reads again."""


@dataclass(frozen=True, kw_only=True)
class SearchDefinition:
    """What a search seeks, and what it has tried."""

    objectives: tuple[str, ...]
    """Keys of metrics."""
    space: Mapping[str, str]
    """For each key that is chosen what it is chosen from, in words."""
    sampler: str
    seed: int
    trials: tuple[TrialDefinition, ...]


@dataclass(frozen=True, kw_only=True)
class SweepDefinition:
    """The points of a sweep, and what they share."""

    format: int
    identity: str
    """Hash of the points' identities: equal for sweeps that would make the same videos. Of a search, of what decides
    which points it asks for."""
    title: str | None
    command: tuple[str, ...]
    """As it was typed when the sweep was last started."""
    swept: tuple[str, ...]
    """The keys whose values set the points apart, in the order in which they were given."""
    base_seed: int | None
    """The seed that was drawn for every point that asked for any; None where none did."""
    baseline: str | None
    """What the points are compared with, as it was asked for: `key=value` words."""
    points: tuple[PointDefinition, ...]
    search: SearchDefinition | None
    """How its points came about; None where they were given."""

    def trial_of(self, number: int) -> TrialDefinition | None:
        """The first trial that the point of this number is part of."""
        trials = () if self.search is None else self.search.trials
        return next((trial for trial in trials if number in trial.points), None)


def point_folder(sweep: Path, point: PointDefinition) -> Path:
    """The folder of a point, which is the folder of a run."""
    return sweep / POINTS / point.folder_name


def sweep_folder_of(point: Path) -> Path:
    """The folder of the sweep that a point's folder is part of."""
    return point.parent.parent


def write_definition(folder: Path, definition: SweepDefinition) -> None:
    """Write `sweep.json`, whole or not at all. Raises OutputError."""
    content = json.dumps(dataclasses.asdict(definition), ensure_ascii=False, indent=1)
    write_atomically(folder / DEFINITION_NAME, content)


def read_definition(folder: Path) -> SweepDefinition:
    """Read a definition back. Raises InputError when there is none or it cannot be understood."""
    path = folder / DEFINITION_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"sweep '{path}'", f"it is of format {content['format']}", "Use the version that wrote it")
        points = tuple(PointDefinition(**point) for point in content["points"])
        lists = {name: tuple(content[name]) for name in ("command", "swept")}
        # Definitions from before there were searches are of this format too.
        search = _read_search(content.pop("search", None))
        return SweepDefinition(**{**content, **lists, "points": points, "search": search})
    except FileNotFoundError as error:
        problem = f"there is no {DEFINITION_NAME} in it"
        raise InputError(f"sweep '{folder}'", problem, "Give the folder of a sweep, as `list` shows it") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"sweep '{path}'", f"it cannot be read ({error})", "Give another sweep") from error


def _read_search(content: Mapping[str, Any] | None) -> SearchDefinition | None:
    if content is None:
        return None
    trials = tuple(TrialDefinition(**{**trial, "points": tuple(trial["points"])}) for trial in content["trials"])
    return SearchDefinition(**{**content, "objectives": tuple(content["objectives"]), "trials": trials})
