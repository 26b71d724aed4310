"""`s2v-runner clean`: take away what stopped runs left."""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

from s2v_runner.commands.outputs import add_outputs, outputs_of
from s2v_runner.errors import InputError, OutputError
from s2v_runner.prepare import CACHE
from s2v_runner.tracking.folder import LOCK_NAME, RESUME_NAME, find_runs, is_alive
from s2v_runner.tracking.record import read_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    add_outputs(parser)
    parser.add_argument("--failed", action="store_true", help="also whole folders of runs that failed or were killed")
    parser.add_argument("--cache", action="store_true", help="also what is made anew when it is needed")
    parser.add_argument("--yes", action="store_true", help="do it; without, what would go is listed")
    parser.set_defaults(run=clean)


def clean(options: argparse.Namespace) -> int:
    """List or remove. Runs that are going on are left alone. Raises OutputError where something cannot be removed."""
    outputs = outputs_of(options)
    total = 0
    for path in _leftovers(outputs, options.failed, options.cache):
        size = _size(path)
        total += size
        print(f"{'removed' if options.yes else 'would go'}: {path} ({size / 2**20:.1f} MiB)")
        if options.yes:
            _remove(path)
    if not options.yes and total:
        print(f"{total / 2**20:.1f} MiB in all. Stopped runs cannot be continued without them. --yes removes them")
    elif not total:
        print(f"there is nothing to clean in {outputs}")
    return 0


def _leftovers(outputs: Path, failed: bool, cache: bool) -> Iterator[Path]:
    for folder in find_runs(outputs):
        if is_alive(folder):
            continue
        if failed and _has_failed(folder):
            yield folder
            continue
        yield from (path for path in sorted(folder.glob(".*")) if not path.name.endswith(LOCK_NAME))
        if (folder / RESUME_NAME).is_dir():
            yield folder / RESUME_NAME
    if cache and (outputs / CACHE).is_dir():
        yield outputs / CACHE


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
