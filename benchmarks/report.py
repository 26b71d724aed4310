"""The reports: rows of figures, each under its labels, with what they were measured on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from s2v_runner.errors import InputError

Label = str | int | bool


@dataclass(frozen=True)
class Row:
    """What was found for one combination of labels."""

    labels: Mapping[str, Label]
    figures: Mapping[str, float | None]
    """The median, where something was repeated; None is what this machine cannot tell."""
    repeats: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Every value of a figure that was repeated, in order."""


@dataclass(frozen=True, kw_only=True)
class Report:
    benchmark: str
    measured: str
    """What the figures are, in a sentence or two."""
    options: Mapping[str, Any]
    hardware: Mapping[str, Any]
    versions: Mapping[str, Any]
    project: Mapping[str, Any]
    rows: tuple[Row, ...]


def keep_report(path: Path | None, report: Report) -> None:
    """Print a report and, where a path is given, write it there as JSON. Raises InputError."""
    text = json.dumps(_rounded(asdict(report)), indent=1, ensure_ascii=False, default=str)
    print(text)
    if path is None:
        return
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out {path}", f"it cannot be written ({error})", "Give a file you may write") from error


def read_report(path: Path) -> Report:
    """Raises InputError for what is no report."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        rows = tuple(Row(**row) for row in values.pop("rows"))
        return Report(**values, rows=rows)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        remedy = "Give a report that `python -m benchmarks … --out` wrote"
        raise InputError(f"'{path}'", f"it is no report of a benchmark ({error!r})", remedy) from error


def stated(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a report holds them: values, not objects; where it is written to is none."""
    return {name: _plain(value) for name, value in options.items() if name not in ("out", "commit")}


def _plain(value: Any) -> Any:
    if type(value) in (list, tuple):
        return [_plain(entry) for entry in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _rounded(value: Any) -> Any:
    """Six digits: more are noise, and are read by people."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, (list, tuple)) else value
