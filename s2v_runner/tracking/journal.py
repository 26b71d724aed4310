"""The step log of a run: a line for each step as it is done, so that nothing measured is lost with the process."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from s2v_runner.errors import OutputError
from s2v_runner.tracking.record import STEPS_NAME


@dataclass(frozen=True)
class StepLine:
    """One step of the sampler."""

    attempt: int
    clip: int
    step: int
    """From 1 in each clip."""
    seconds: float
    at: float
    """Seconds since the epoch when it was done."""


class Journal:
    """Appends to the step log of a run. Raises OutputError when it cannot.

    A last line that a kill cut short is taken away first: what is appended to it would be lost with it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / STEPS_NAME
        try:
            _cut_to_whole_lines(self._path)
            self._file: IO[str] = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(self._path, error) from error

    def add(self, line: StepLine) -> None:
        try:
            self._file.write(json.dumps(asdict(line)) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(self._path, error) from error

    def close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise OutputError(self._path, error) from error


def read_steps(folder: Path) -> Iterator[StepLine]:
    """The steps that were logged. Lines that a kill or a crash of the machine left unreadable are passed over."""
    path = folder / STEPS_NAME
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            # The last one may be in the middle of being written.
            if line.endswith("\n") and (step := _parse(line)) is not None:
                yield step


def _parse(line: str) -> StepLine | None:
    try:
        return StepLine(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _cut_to_whole_lines(path: Path) -> None:
    if path.exists():
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
