"""The command line."""

import argparse
import sys
from collections.abc import Sequence

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.errors import InputError

USER_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0, or 2 when the user has something to mend."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except InputError as error:
        print(f"s2v-runner: {error}", file=sys.stderr)
        return USER_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="s2v-runner", description="Run, study and compare Wan2.2-S2V, the model that makes a picture speak."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    check = commands.add_parser(
        "check",
        help="say what is missing, damaged or unexpected in a folder of weights",
        description="Say file by file what is missing, damaged or unexpected in a folder of weights. "
        "Only headers are read, no device is needed, and 58 GB take seconds.",
    )
    check.add_argument("folder", help="the folder of the weights, in the official or the Diffusers layout")
    check.add_argument("--deep", action="store_true", help="also read every tensor and look for NaN and infinity")
    check.set_defaults(run=_check)
    return parser


def _check(options: argparse.Namespace) -> int:
    checkpoint = locate_checkpoint(options.folder)
    # Imported here so that neither --help nor a mistyped folder waits for torch.
    from s2v_runner.checkpoint.report import print_report

    return 0 if print_report(checkpoint, deep=options.deep) else USER_ERROR
