"""A list of inputs: a CSV or JSONL file with a run's pictures, recordings, prompts and settings in each row."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2v_runner.config.loras import place_loras
from s2v_runner.config.resolve import as_path
from s2v_runner.config.schema import path_keys, scaled_path_keys
from s2v_runner.errors import InputError

NAME = "name"
"""The column that says what a row is to be called."""
_SHORT = {"audio": ("audio.path={}",), "pose_video": ("pose=video", "pose.path={}")}
_NAMING = ("image", "audio", "audio.path")
"""The columns whose files a row is called by when it has no name."""
_READERS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


@dataclass(frozen=True)
class Row:
    """One row."""

    place: str
    """Where it stands, for what is wrong with it."""
    name: str
    words: tuple[str, ...]
    """Its settings as `key=value`."""


def read_rows(path: Path) -> list[Row]:
    """Read a list. Paths in it are relative to its folder; an empty cell leaves a setting as it is.

    Raises InputError that names the file, and the line where there is one.
    """
    kind = _READERS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"inputs={path}", "it is no list that can be read", "Give a .csv, .tsv or .jsonl file")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"inputs={path}", f"it cannot be read ({error})", "Give a file in UTF-8") from error
    cells = list(_read_jsonl(path, text) if kind == "jsonl" else _read_csv(path, text))
    if not cells:
        raise InputError(f"inputs={path}", "there is no row in it", "Give each run a row")
    names = _name_rows([row for _, row in cells])
    _check_names(path, names)
    return [Row(place, name, tuple(_words(row, path.parent))) for (place, row), name in zip(cells, names, strict=True)]


def _read_csv(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.reader(text.splitlines(keepends=True), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    header: list[str] | None = None
    try:
        for cells in reader:
            place = f"{path}, line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _check_header(path, [cell.strip() for cell in cells])
            elif len(cells) > len(header):
                problem = f"it has {len(cells)} cells for {len(header)} columns"
                raise InputError(place, problem, "Put quotes around a cell that has a comma in it")
            else:
                yield place, {key: cell for key, cell in zip(header, cells, strict=False) if cell.strip()}
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}", f"it is no CSV ({error})", "Mend the file") from error


def _check_header(path: Path, header: Sequence[str]) -> list[str]:
    empty = [str(number) for number, key in enumerate(header, 1) if not key]
    if empty:
        problem = f"column {', '.join(empty)} has no name"
        raise InputError(f"inputs={path}", problem, "Name the columns in the first line: image, audio, prompt, …")
    twice = sorted({key for key in header if header.count(key) > 1})
    if twice:
        raise InputError(f"inputs={path}", f"column '{twice[0]}' is there twice", "Name each column once")
    return list(header)


def _read_jsonl(path: Path, text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(place, f"it is no JSON ({error})", "Give each row as one object on one line") from error
        if not isinstance(row, dict):
            raise InputError(place, "it is no object", 'Write {"image": "me.png", "audio": "speech.wav"}')
        yield place, dict(_flatten(row, ""))


def _flatten(row: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)


def _name_rows(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """What each row is called: its name, or its files' where they tell the rows apart, or its number."""
    if all(row.get(NAME) for row in rows):
        return [row[NAME].strip() for row in rows]
    stems = [[Path(row[key]).stem for key in _NAMING if row.get(key)] for row in rows]
    for chosen in ([parts[:1] for parts in stems], [parts[1:2] for parts in stems], stems):
        names = [" ".join(parts) for parts in chosen]
        if all(names) and len(set(names)) == len(names):
            return names
    return [row.get(NAME) or f"row {number}" for number, row in enumerate(rows, 1)]


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"inputs={path}", f"two rows have the name '{twice[0]}'", "Give each row a name of its own")


def _words(row: Mapping[str, str], folder: Path) -> Iterator[str]:
    for key, cell in row.items():
        if key == NAME:
            continue
        for pattern in _SHORT.get(key, (f"{key}={{}}",)):
            setting = pattern.partition("=")[0]
            yield pattern.replace("{}", _place(setting, cell, folder))


def _place(setting: str, cell: str, folder: Path) -> str:
    """A cell, and where it is of paths, with these relative to the folder. Raises InputError."""
    if setting not in path_keys() or cell == "null":
        return cell
    return place_loras(cell, folder) if setting in scaled_path_keys() else str(folder / as_path(cell))
