"""`s2v-runner clean`: take away what stopped runs and sweeps left."""

import argparse
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from s2v_runner.commands.outputs import add_outputs, outputs_of
from s2v_runner.errors import InputError, OutputError
from s2v_runner.prepare import CACHE
from s2v_runner.replacement import is_being_written
from s2v_runner.tracking.definition import POINTS, sweep_folder_of
from s2v_runner.tracking.folder import LOCK_NAME, RESUME_NAME, find_runs, find_sweeps, hold, is_sweep_alive
from s2v_runner.tracking.record import read_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    add_outputs(parser)
    parser.add_argument(
        "--failed",
        action="store_true",
        help="also whole folders of runs, and of points of sweeps, that were not finished",
    )
    parser.add_argument("--cache", action="store_true", help="also what is made anew when it is needed")
    parser.add_argument("--yes", action="store_true", help="do it; without, what would go is listed")
    parser.set_defaults(run=clean)


def clean(options: argparse.Namespace) -> int:
    """List or remove. Runs and sweeps that are going on are left alone.

    Raises OutputError where something cannot be removed.
    """
    outputs = outputs_of(options)
    total, found = 0, False
    for path in _leftovers(outputs, options.failed, options.cache):
        size = _size(path)
        total, found = total + size, True
        print(f"{'removed' if options.yes else 'would go'}: {path} ({size / 2**20:.1f} MiB)")
        if options.yes:
            _remove(path)
    if not options.yes and found:
        print(f"{total / 2**20:.1f} MiB in all. Stopped runs cannot be continued without them. --yes removes them")
    elif not found:
        print(f"there is nothing to clean in {outputs}")
    return 0


def _leftovers(outputs: Path, failed: bool, cache: bool) -> Iterator[Path]:
    sweeps = {folder: is_sweep_alive(folder) for folder in find_sweeps(outputs)}
    for folder in find_runs(outputs):
        # A sweep that goes on comes back to what it left.
        if not sweeps.get(sweep_folder_of(folder), False):
            yield from _leftovers_of_run(folder, failed)
    for folder, alive in sweeps.items():
        if not alive:
            yield from _unfinished_in_sweep(folder)
    if cache and (outputs / CACHE).is_dir():
        yield outputs / CACHE


def _leftovers_of_run(folder: Path, failed: bool) -> Iterator[Path]:
    # Held until whoever asked has removed it: nobody takes the run up meanwhile.
    lock = hold(folder)
    if lock is None:
        return
    try:
        if failed and _has_failed(folder):
            yield folder
            return
        yield from _hidden(folder.glob(".*"))
        if (folder / RESUME_NAME).is_dir():
            yield folder / RESUME_NAME
    finally:
        lock.release()


def _hidden(paths: Iterable[Path]) -> list[Path]:
    """What was being written when its process ended."""
    hidden = [path for path in sorted(paths) if not path.name.endswith(LOCK_NAME)]
    return [path for path in hidden if not is_being_written(path)]


def _unfinished_in_sweep(folder: Path) -> Iterator[Path]:
    """The same in the folder of a sweep. Its page may be made anew at any time."""
    places = (folder, *(path for path in folder.iterdir() if path.is_dir() and path.name != POINTS))
    yield from _hidden(path for place in places for path in place.glob(".*"))


def _has_failed(folder: Path) -> bool:
    try:
        return read_record(folder).status != "FINISHED"
    except InputError:
        return False


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    except OSError as error:
        raise OutputError(path, error) from error
