"""The output folder that a command looks into, and a sweep in it."""

import argparse
from pathlib import Path

from s2v_runner.config.compose import compose_run, restore_config
from s2v_runner.config.resolve import as_path
from s2v_runner.describe import destination_of
from s2v_runner.errors import InputError
from s2v_runner.tracking.definition import DEFINITION_NAME
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.folder import find_sweeps
from s2v_runner.tracking.record import Record


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """The argument that names it."""
    parser.add_argument("--outputs", type=Path, help="the output folder, when it is not the configuration's")


def destination_for(record: Record, outputs: Path, uri: str | None) -> Destination | None:
    """Where a record in this output folder is to be published: at `uri`, or where it was made for.

    Raises InputError.
    """
    requested = {**record.requested, "output": {**record.requested["output"], "folder": str(outputs)}}
    if uri is not None:
        requested["tracking"] = {**requested["tracking"], "backend": "mlflow", "uri": uri}
    return destination_of(restore_config(requested))


def outputs_of(options: argparse.Namespace) -> Path:
    """The folder named, or the one that the configuration gives where none is."""
    folder = options.outputs or as_path(compose_run([]).config.output.folder)
    return folder.absolute()


def sweep_of(outputs: Path, name: str) -> Path:
    """The folder of the sweep that is named by it, or by the beginning of its identity. Raises InputError."""
    folder = as_path(name)
    if (folder / DEFINITION_NAME).is_file():
        return folder.absolute()
    found = [sweep for sweep in find_sweeps(outputs) if sweep.name.startswith(name) or name.startswith(sweep.name)]
    if len(found) == 1:
        return found[0]
    if not found:
        problem = f"there is no such folder, and none of this identity in '{outputs}'"
        raise InputError(f"sweep '{name}'", problem, "`s2v-runner list` shows those that there are")
    several = ", ".join(sweep.name for sweep in found)
    raise InputError(f"sweep '{name}'", f"several begin like this: {several}", "Give more of it")
