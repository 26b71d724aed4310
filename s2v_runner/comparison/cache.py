"""How near a video is to others, kept beside the sweep so that it is decoded once."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s2v_runner.errors import OutputError
from s2v_runner.metrics.measures import Measure
from s2v_runner.replacement import replacing, unfinished_path
from s2v_runner.tracking.definition import PointDefinition
from s2v_runner.tracking.folder import LOCK_NAME
from s2v_runner.tracking.record import write_atomically

FORMAT = 2
"""Raised whenever something is measured otherwise, or a proxy made otherwise."""
FOLDER = "comparison"

Measures = Mapping[str, Measure]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is known of a video."""

    key: str
    """That of the footage it was measured of."""
    likeness: Mapping[str, Measures]
    """To each baseline that it was compared with, by the key of that one's footage."""


def entry_path(folder: Path, point: PointDefinition) -> Path:
    """Where what is known of a point is kept."""
    return folder / f"{point.folder_name}.json"


def proxy_path(folder: Path, point: PointDefinition) -> Path:
    """Where the small copy of a point's video is kept."""
    return folder / f"{point.folder_name}.mp4"


def read_kept(path: Path, key: str) -> Kept | None:
    """What is kept of the footage of this key; None where there is nothing, or nothing that can be used."""
    content = read_json(path)
    try:
        if content["format"] != FORMAT or content["key"] != key:
            return None
        likeness = {baseline: _measures(values) for baseline, values in content["likeness"].items()}
        return Kept(key=key, likeness=likeness)
    except (KeyError, TypeError, ValueError, AttributeError, AssertionError):
        return None


def write_kept(path: Path, kept: Kept) -> None:
    """Raises OutputError."""
    write_atomically(path, json.dumps({"format": FORMAT, **asdict(kept)}, indent=1))


def read_json(path: Path) -> Any:
    """The content of a file that can be made again; an empty object where it is missing or damaged."""
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    return {}


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A hidden name to write under; what is there when all went well gets its own. Raises OutputError."""
    hidden = unfinished_path(path)
    try:
        with replacing(path, hidden):
            yield hidden
    except OSError as error:
        raise OutputError(path, error) from error


def remove_all_but(folder: Path, names: Collection[str]) -> None:
    """Take away what is of no use any more, and what a process left that was killed while it wrote."""
    for path in folder.iterdir():
        if path.name not in names and path.name != LOCK_NAME:
            with suppress(OSError):
                path.unlink()


def _measures(values: Mapping[str, Any]) -> dict[str, Measure]:
    return {name: Measure(**value) for name, value in values.items()}
