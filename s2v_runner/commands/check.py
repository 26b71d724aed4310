"""`s2v-runner check`: say what is missing, damaged or unexpected in a folder of weights."""

import argparse

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.config.loras import parse_loras
from s2v_runner.prepare import look_at_lora

_UNSOUND = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of this command."""
    parser.add_argument("folder", help="the folder of the weights, in the official or the Diffusers layout")
    parser.add_argument("--deep", action="store_true", help="also read every tensor and look for NaN and infinity")
    parser.add_argument("--loras", help="LoRA files, as in model.loras, that are to fit these weights")
    parser.set_defaults(run=check)


def check(options: argparse.Namespace) -> int:
    """Print the report. Raises InputError where there is no checkpoint."""
    checkpoint = locate_checkpoint(options.folder)
    loras = [] if options.loras is None else [look_at_lora(choice) for choice in parse_loras(options.loras)]
    # Imported here so that neither --help nor a mistyped folder waits for torch.
    from s2v_runner.checkpoint.report import print_report

    return 0 if print_report(checkpoint, loras, deep=options.deep) else _UNSOUND
