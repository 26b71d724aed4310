"""`s2v-runner sync`: tell MLflow what it has missed."""

import argparse
import sys

from s2v_runner.commands.outputs import add_outputs, outputs_of
from s2v_runner.config.compose import check_config
from s2v_runner.describe import destination_of
from s2v_runner.tracking.definition import DEFINITION_NAME
from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.record import Record
from s2v_runner.tracking.sync import sync_runs

_INCOMPLETE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    add_outputs(parser)
    parser.add_argument("--uri", help="a tracking server to send everything to, in place of the one each was made for")
    parser.set_defaults(run=sync)


def sync(options: argparse.Namespace) -> int:
    """Publish what is not published. Raises InputError."""
    outputs = outputs_of(options)

    def destination_for(record: Record) -> Destination | None:
        requested = {**record.requested, "output": {**record.requested["output"], "folder": str(outputs)}}
        if options.uri is not None:
            requested["tracking"] = {**requested["tracking"], "backend": "mlflow", "uri": options.uri}
        return destination_of(check_config(requested))

    runs, sweeps, problems = 0, 0, 0
    for folder, published, problem in sync_runs(outputs, destination_for):
        if problem is not None:
            problems += 1
            print(f"{folder}: {problem}", file=sys.stderr)
        elif published is not None:
            is_sweep = (folder / DEFINITION_NAME).is_file()
            runs, sweeps = runs + (not is_sweep), sweeps + is_sweep
            print(f"{folder}: {'complete' if published.complete else 'still running'}, {published.page}")
    sent = f"{runs} runs" + (f" and {sweeps} sweeps" if sweeps else "")
    print(f"{sent} are in MLflow" + (f", {problems} could not be sent" if problems else ""))
    return _INCOMPLETE if problems else 0
