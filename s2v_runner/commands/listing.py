"""`s2v-runner list`: the runs and the sweeps in the output folder, and the points of a sweep."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2v_runner.commands.outputs import add_outputs, outputs_of, sweep_of
from s2v_runner.errors import InputError
from s2v_runner.tracking.definition import read_definition, sweep_folder_of
from s2v_runner.tracking.folder import SWEEPS, find_runs, find_sweeps, is_alive, is_sweep_alive
from s2v_runner.tracking.progress import PointProgress, count_points, read_progress
from s2v_runner.tracking.record import IDENTITY_SHOWN, RECORD_NAME, Record, read_record
from s2v_runner.tracking.sweep_translation import short_names, value_text

_RUNS = ("started", "status", "model", "size", "solver", "steps", "guidance", "shift", "seed", "seconds", "run")
_SWEEPS = ("sweep", "started", "status", "title", "swept", "finished", "failed", "points", "folder")
_NUMBERS = {"steps", "guidance", "shift", "seed", "seconds", "finished", "failed", "points", "point"}
_LONGEST_TEXT = 40

Row = Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("sweep", nargs="?", help="show the points of this sweep: its identity or its folder")
    add_outputs(parser)
    parser.add_argument("--points", action="store_true", help="list the points of sweeps among the runs")
    parser.add_argument("--json", action="store_true", help="print whole records, one a line")
    parser.set_defaults(run=list_runs)


def list_runs(options: argparse.Namespace) -> int:
    """Print tables of the runs, oldest first, and of the sweeps, or of one sweep's points. Raises InputError."""
    outputs = outputs_of(options)
    sweep = None if options.sweep is None else sweep_of(outputs, options.sweep)
    if options.json:
        folders = [*find_runs(outputs), *find_sweeps(outputs)] if sweep is None else [sweep, *_points_of(sweep)]
        _print_records(folders)
    elif sweep is None:
        _print_all(outputs, options.points)
    else:
        _print_points(sweep)
    return 0


def _print_records(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            record = read_record(folder)
        except InputError:
            # The tables say so.
            continue
        print(json.dumps({"folder": str(folder), **asdict(record)}, ensure_ascii=False, default=str))


def _print_all(outputs: Path, with_points: bool) -> None:
    folders = [folder for folder in find_runs(outputs) if with_points or not _is_point(outputs, folder)]
    runs = [_run_row(folder, outputs) for folder in folders]
    sweeps = [_sweep_row(folder, outputs) for folder in find_sweeps(outputs)]
    if runs:
        _print_table((*_RUNS[:-1], "sweep", "run") if with_points else _RUNS, runs)
    if sweeps:
        if runs:
            print()
        _print_table(_SWEEPS, sweeps)
    if not runs and not sweeps:
        print(f"there are no runs in {outputs}")


def _print_points(sweep: Path) -> None:
    definition = read_definition(sweep)
    names = short_names(definition.swept)
    if definition.title is not None:
        print(definition.title)
    columns = ("point", "status", *names.values(), "seconds", "folder")
    rows = []
    for point in read_progress(sweep, definition):
        values = {names[key]: _shorten(value_text(value)) for key, value in point.definition.values.items()}
        rows.append({"point": str(point.definition.number), **values, **_point_state(point)})
    _print_table(columns, rows)


def _point_state(point: PointProgress) -> Row:
    if point.record is None:
        return {"status": "not begun" if point.problem is None else "UNREADABLE"}
    status = _status_of(point.record, point.folder)
    return {"status": status, "seconds": f"{point.record.seconds:.1f}", "folder": str(point.folder)}


def _run_row(folder: Path, outputs: Path) -> Row:
    place = str(folder.relative_to(outputs))
    try:
        record = read_record(folder)
    except InputError as error:
        return {"status": "UNREADABLE", "run": place, "started": error.problem[:_LONGEST_TEXT]}
    resolved: Mapping[str, Any] = record.resolved or record.requested
    sampler, plan = resolved["sampler"], record.plan
    return {
        "started": _time(record),
        "status": _status_of(record, folder),
        "model": record.choices.get("model", ""),
        "size": f"{plan['output_width']}x{plan['output_height']}" if plan else "",
        "solver": sampler["solver"],
        "steps": str(sampler["steps"]),
        "guidance": f"{sampler['guide_scale']:g}",
        "shift": str(sampler["shift"]),
        "seed": str(record.base_seed),
        "seconds": f"{record.seconds:.1f}",
        "sweep": sweep_folder_of(folder).name if record.kind == "point" else "",
        "run": place,
    }


def _sweep_row(folder: Path, outputs: Path) -> Row:
    place = str(folder.relative_to(outputs))
    try:
        definition = read_definition(folder)
        record = read_record(folder) if (folder / RECORD_NAME).exists() else None
    except InputError as error:
        return {"status": "UNREADABLE", "folder": place, "title": error.problem[:_LONGEST_TEXT]}
    counts = count_points(read_progress(folder, definition))
    return {
        "sweep": definition.identity[:IDENTITY_SHOWN],
        "started": "" if record is None else _time(record),
        "status": "not begun" if record is None else _status_of(record, folder),
        "title": _shorten(definition.title or ""),
        "swept": ", ".join(definition.swept),
        "folder": place,
        **{name: str(count) for name, count in counts.items()},
    }


def _status_of(record: Record, folder: Path) -> str:
    if record.status == "RUNNING" and not (is_sweep_alive if record.kind == "sweep" else is_alive)(folder):
        return "stopped"
    return record.status.lower()


def _points_of(sweep: Path) -> Iterator[Path]:
    yield from (point.folder for point in read_progress(sweep, read_definition(sweep)))


def _is_point(outputs: Path, folder: Path) -> bool:
    """Told by its place, since its record may be damaged."""
    return folder.is_relative_to(outputs / SWEEPS)


def _time(record: Record) -> str:
    return record.attempts[0].started[:19].replace("T", " ")


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _print_table(columns: Sequence[str], rows: Sequence[Row]) -> None:
    widths = {name: max(len(name), *(len(row.get(name, "")) for row in rows)) for name in columns}
    for row in ({name: name for name in columns}, *rows):
        cells = [
            row.get(name, "").rjust(widths[name]) if name in _NUMBERS else row.get(name, "").ljust(widths[name])
            for name in columns
        ]
        print("  ".join(cells).rstrip())
