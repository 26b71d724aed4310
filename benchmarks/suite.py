"""Every measurement of the suite, each in a process of its own, so that none finds the other's memory.

    python -m benchmarks all --model tiny --folder reports
    python -m benchmarks all --only forward step --folder reports --commit abc123

Each writes FOLDER/NAME.json. What needs packages that are not installed here is left out, and said; the status is 1
when a measurement failed.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.__main__ import missing_packages
from benchmarks.arguments import add_model, make_suite_parser, parse_count

SUITE = ("forward", "step", "clip", "sweep", "load", "vae", "scaling")
_OF_NO_MODEL = ("sweep",)
_WITH_LAYERS = ("forward", "step", "load", "scaling")


def main(arguments: Sequence[str]) -> int:
    parser = make_suite_parser("all", __doc__)
    add_model(parser)
    parser.add_argument("--layers", type=parse_count, help="of the transformer, where it is measured alone")
    parser.add_argument("--only", choices=SUITE, nargs="+", default=SUITE)
    parser.add_argument("--folder", type=Path, required=True, help="for the reports")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in options.only:
        missing = missing_packages(name)
        if missing:
            print(f"{name}: left out, {', '.join(missing)} not installed here", file=sys.stderr)
            continue
        given = [f"--out={options.folder / name}.json"]
        given += [f"--commit={options.commit}"] if options.commit else []
        if name not in _OF_NO_MODEL:
            given += [f"--device={options.device}", f"--model={options.model.name}"]
        if name in _WITH_LAYERS and options.layers:
            given.append(f"--layers={options.layers}")
        print(f"{name}: {' '.join(given)}", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks", name, *given]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)
