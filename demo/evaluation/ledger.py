"""What was read of each video that is made, a line of JSON each, so that a long evaluation can be taken up again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.evaluation.making import Settings
from s2v_runner.errors import InputError, OutputError
from s2v_runner.tracking.record import write_atomically

_ROWS, _ABOUT = "videos.jsonl", "about.json"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One video."""

    case: str
    """The name of the case."""
    settings: Settings
    starts: Sequence[int]
    """The first frame of each clip."""
    seconds: float
    """That the making took."""
    readings: Mapping[str, Sequence[float]]
    """By quantity, a number for each frame."""
    likeness: Mapping[str, Sequence[float]]
    """By the fields of `Likeness`."""


class Ledger:
    """The rows of a folder, each made once."""

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        """Take up what is there of the same `about`: the checkpoint, the reader and what else all rows share.

        Raises InputError for a folder that holds the results of something else, and OutputError.
        """
        self._path = folder / _ROWS
        self._rows: dict[tuple[str, Settings], Row] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _agree(folder / _ABOUT, about)
            if self._path.exists():
                self._read()
        except OSError as error:
            raise OutputError(self._path, error) from error

    def find(self, case: str, settings: Settings) -> Row | None:
        return self._rows.get((case, settings))

    def add(self, row: Row) -> None:
        """Keep a row, on the disk at once. Raises OutputError."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")
        except OSError as error:
            raise OutputError(self._path, error) from error
        self._rows[row.case, row.settings] = row

    def _read(self) -> None:
        whole, _, broken = self._path.read_text(encoding="utf-8").rpartition("\n")
        if broken:
            # A killed process left half a line, which the next one must not go on with.
            write_atomically(self._path, whole + "\n" if whole else "")
        for line in whole.splitlines():
            content = json.loads(line)
            row = Row(**{**content, "settings": Settings(**content["settings"])})
            self._rows[row.case, row.settings] = row


def _agree(path: Path, about: Mapping[str, Any]) -> None:
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        different = [name for name in about if kept.get(name) != about[name]]
        if different:
            raise InputError(
                f"folder '{path.parent}'",
                f"it holds results that differ in {', '.join(different)}",
                "Give another folder, or take it away",
            )
    else:
        write_atomically(path, json.dumps(about, indent=1))
