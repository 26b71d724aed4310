"""`s2v-runner compare`: the videos of a sweep beside each other, on one page; or a run beside another, in numbers."""

import argparse
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from s2v_runner.commands.outputs import add_outputs, destination_for, outputs_of, sweep_of
from s2v_runner.config.resolve import as_path
from s2v_runner.console.quality import pair_lines
from s2v_runner.errors import InputError
from s2v_runner.sweep.ledger import note
from s2v_runner.tracking.definition import DEFINITION_NAME
from s2v_runner.tracking.destination import TrackingError
from s2v_runner.tracking.folder import find_sweeps
from s2v_runner.tracking.publisher import publish, published_before
from s2v_runner.tracking.record import RECORD_NAME, read_record

if TYPE_CHECKING:
    # Late where it is used: it brings what decodes videos, which neither --help nor a mistyped name waits for.
    from s2v_runner.comparison.compare import Comparison

_MB = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument(
        "sweep",
        nargs="?",
        help="the folder of a sweep, or the beginning of its identity; the latest when left out; or a run's folder",
    )
    parser.add_argument(
        "--baseline", metavar="WORDS", help='what to compare with, as in "sampler.steps=50"; of a run another\'s folder'
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_outputs(parser)
    parser.set_defaults(run=compare)


def compare(options: argparse.Namespace) -> int:
    """Write the page and say where it is, or how near two runs are. Raises InputError and OutputError."""
    if options.sweep is not None and _is_run(as_path(options.sweep)):
        return _compare_runs(as_path(options.sweep), options.baseline)
    folder = _find(options)
    from s2v_runner.comparison.compare import compare_sweep

    comparison = compare_sweep(folder, options.baseline, lambda line: print(line, flush=True))
    _tell(comparison)
    _publish(folder, comparison)
    if options.open:
        webbrowser.open(comparison.page.as_uri())
    return 0


def _is_run(folder: Path) -> bool:
    return (folder / RECORD_NAME).is_file() and not (folder / DEFINITION_NAME).is_file()


def _compare_runs(folder: Path, baseline: str | None) -> int:
    from s2v_runner.comparison.pair import measure_likeness

    if baseline is None:
        raise InputError(f"run '{folder}'", "there is nothing to compare it with", "Add --baseline ANOTHER_RUN")
    likeness = measure_likeness(folder, as_path(baseline))
    both = [read_record(each).measures for each in (folder, as_path(baseline))]
    print("\n".join(pair_lines(likeness, *both)))
    return 0


def _tell(comparison: "Comparison") -> None:
    points = "1 point" if comparison.points == 1 else f"{comparison.points} points"
    size = comparison.page.stat().st_size / _MB
    print(f"{points}, {comparison.videos} with a video; the page has {size:.1f} MB, the table is {comparison.table}")
    print(comparison.page)


def _publish(folder: Path, comparison: "Comparison") -> None:
    """Let MLflow have the page, where it knows of the sweep; what goes wrong there is told."""
    if not (folder / RECORD_NAME).is_file():
        return
    note(folder, {}, comparison.files)
    try:
        destination = destination_for(read_record(folder), folder.parents[1], None)
        if destination is not None and published_before(folder, destination) is not None:
            print(publish(folder, destination).page)
    except (InputError, TrackingError) as error:
        print(f"warning: {error}", file=sys.stderr)


def _find(options: argparse.Namespace) -> Path:
    """The folder of the sweep that is meant. Raises InputError."""
    outputs = outputs_of(options)
    if options.sweep is not None:
        return sweep_of(outputs, options.sweep)
    sweeps = list(find_sweeps(outputs))
    if not sweeps:
        raise InputError("sweep", f"there is none in '{outputs}'", "Make one with -m, or name its folder")
    return max(sweeps, key=lambda folder: (folder / DEFINITION_NAME).stat().st_mtime)
