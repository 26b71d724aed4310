"""`python -m benchmarks NAME …`: one measurement, or what is done with the reports."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from s2v_runner.errors import InputError


@dataclass(frozen=True)
class Command:
    module: str
    what: str
    needs: tuple[str, ...] = ()
    """Packages beyond PyTorch, some of which machines with GPUs may lack."""


_GENERATION = ("diffusers", "transformers", "tokenizers", "soundfile", "PIL")
_RUNS = ("diffusers", "transformers", "hydra", "mlflow")
_DEMO = ("hydra", "espeakng_loader")
COMMANDS = {
    "forward": Command("forward", "one forward pass of the transformer, by variant"),
    "step": Command("step", "one guided step, by variant"),
    "scaling": Command("scaling", "a guided step by several processes, measured or worked out"),
    "clip": Command("clip", "a whole generation, by stage and memory mode", _GENERATION),
    "sweep": Command("sweep", "what a sweep costs around the model", _RUNS),
    "load": Command("load", "loading a transformer", ("safetensors", "diffusers", "transformers")),
    "vae": Command("vae", "encoding and decoding, by precision", ("diffusers",)),
    "all": Command("suite", "all of these, each in a process of its own"),
    "overhead": Command("overhead", "what the runner costs around the model", _RUNS),
    "metrics": Command("metrics", "what measuring a video costs", ("cv2", "PIL", "scipy")),
    "findings": Command("findings_rates", "how often the findings of a comparison are right", ("scipy",)),
    "float8": Command("float8", "what 8 bits do to videos of the demo model", (*_GENERATION, *_DEMO)),
    "operators": Command("operators", "operators of the model: print, --check or --write the record", ("diffusers",)),
    "compare": Command("compare", "two reports, side by side"),
    "table": Command("table", "write, or --check, the tables of docs/performance.md"),
}


def main(arguments: Sequence[str]) -> int:
    """The exit status: 2 when there is something for the user to mend, else the command's own."""
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name not in COMMANDS:
        print(f"python -m benchmarks: there is no '{name}'\n\n{_usage()}", file=sys.stderr)
        return 2
    missing = missing_packages(name)
    if missing:
        print(f"python -m benchmarks {name} needs {', '.join(missing)}: not installed here", file=sys.stderr)
        return 2
    try:
        return importlib.import_module(f"benchmarks.{COMMANDS[name].module}").main(rest) or 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2


def missing_packages(name: str) -> list[str]:
    """What a command needs that is not installed."""
    return [package for package in COMMANDS[name].needs if importlib.util.find_spec(package) is None]


def _usage() -> str:
    lines = [f"  {name:10} {command.what}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: python -m benchmarks NAME [options]; NAME --help says which", "", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
