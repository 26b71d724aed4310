"""`s2v-runner list`: the runs in the output folder."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2v_runner.commands.outputs import add_outputs, outputs_of
from s2v_runner.errors import InputError
from s2v_runner.tracking.folder import find_runs, is_alive
from s2v_runner.tracking.record import Record, read_record

_COLUMNS = ("started", "status", "model", "size", "solver", "steps", "guidance", "shift", "seed", "seconds", "run")
_NUMBERS = {"steps", "guidance", "shift", "seed", "seconds"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    add_outputs(parser)
    parser.add_argument("--json", action="store_true", help="print whole records, one a line")
    parser.set_defaults(run=list_runs)


def list_runs(options: argparse.Namespace) -> int:
    """Print a table of the runs, oldest first."""
    outputs = outputs_of(options)
    rows = []
    for folder in find_runs(outputs):
        try:
            record = read_record(folder)
        except InputError as error:
            rows.append({"status": "UNREADABLE", "run": str(folder), "started": error.problem[:40]})
            continue
        if options.json:
            print(json.dumps({"folder": str(folder), **asdict(record)}, ensure_ascii=False, default=str))
        else:
            rows.append(_row(folder, record, outputs))
    if not options.json:
        _print_table(rows) if rows else print(f"there are no runs in {outputs}")
    return 0


def _row(folder: Path, record: Record, outputs: Path) -> dict[str, str]:
    resolved: Mapping[str, Any] = record.resolved or record.requested
    sampler, plan = resolved["sampler"], record.plan
    status = record.status
    if status == "RUNNING" and not is_alive(folder):
        status = "STOPPED"
    return {
        "started": record.attempts[0].started[:19].replace("T", " "),
        "status": status.lower(),
        "model": record.choices.get("model", ""),
        "size": f"{plan['output_width']}x{plan['output_height']}" if plan else "",
        "solver": sampler["solver"],
        "steps": str(sampler["steps"]),
        "guidance": f"{sampler['guide_scale']:g}",
        "shift": str(sampler["shift"]),
        "seed": str(record.base_seed),
        "seconds": f"{record.seconds:.1f}",
        "run": str(folder.relative_to(outputs)),
    }


def _print_table(rows: list[dict[str, str]]) -> None:
    widths = {name: max(len(name), *(len(row.get(name, "")) for row in rows)) for name in _COLUMNS}
    for row in ({name: name for name in _COLUMNS}, *rows):
        cells = [
            row.get(name, "").rjust(widths[name]) if name in _NUMBERS else row.get(name, "").ljust(widths[name])
            for name in _COLUMNS
        ]
        print("  ".join(cells).rstrip())
