"""`s2v-runner sync`: tell MLflow what it has missed."""

import argparse
import sys

from s2v_runner.commands.outputs import add_outputs, destination_for, outputs_of
from s2v_runner.tracking.definition import DEFINITION_NAME
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
    runs, sweeps, problems = 0, 0, 0
    for folder, published, problem in sync_runs(outputs, lambda record: destination_for(record, outputs, options.uri)):
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
