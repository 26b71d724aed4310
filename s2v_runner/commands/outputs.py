"""The output folder that a command looks into."""

import argparse
from pathlib import Path

from s2v_runner.config.compose import compose_run
from s2v_runner.config.resolve import as_path


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """The argument that names it."""
    parser.add_argument("--outputs", type=Path, help="the output folder, when it is not the configuration's")


def outputs_of(options: argparse.Namespace) -> Path:
    """The folder named, or the one that the configuration gives where none is."""
    folder = options.outputs or as_path(compose_run([]).config.output.folder)
    return folder.absolute()
