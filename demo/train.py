"""Train the demo model, every part of it, on the procedural world.

    python -m demo.train FOLDER [--seconds 560] [--device cuda] [--until STAGE]

One call does what fits its time, and the next goes on where it stopped, until it says that all is done. Weights that
are in `FOLDER/weights/` already are taken as they are; those in `FOLDER/start/` are begun with instead of random ones.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch

from demo.training import studio as stages
from demo.training.finish import finish
from demo.training.recipe import RECIPES
from demo.training.studio import Studio, say
from s2v_runner.errors import InputError
from s2v_runner.placement.choice import check_device
from s2v_runner.placement.devices import choose_device

_KERNELS_TRIED = 4
"""Of each convolution, before one is chosen."""
_SMALL_PARTS = ("listener", "text_encoder", "reader")
_LEAST_TRANSFORMER_SECONDS = 45.0
_KEEPING_SECONDS = 12.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where everything goes")
    parser.add_argument("--seconds", type=float, default=560.0, help="stop before so many are over")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1 (%(default)s)")
    parser.add_argument("--recipe", choices=list(RECIPES), default="full")
    parser.add_argument("--until", choices=["parts", "footage", "all"], default="all", help="the last stage to do")
    parser.add_argument("--only", choices=["small-parts"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    try:
        device = _choose_device(given.device, given.recipe)
    except InputError as error:
        sys.exit(str(error))
    studio = Studio(given.folder, RECIPES[given.recipe], device)
    if given.only:
        _make_small_parts(studio)
        return 0
    return _go_on(studio, given.recipe, time.perf_counter() + given.seconds, given.until)


def _choose_device(asked: str, recipe: str) -> torch.device:
    """Raises InputError for a device that is not there, and for a training that would take days."""
    check_device(asked)
    device = torch.device(choose_device(asked))
    if device.type == "cpu" and recipe == "full":
        raise InputError(
            f"--device {asked}",
            "the full recipe is for a GPU: on a CPU its minutes are days",
            "--recipe rehearsal goes through every stage on any machine",
        )
    return device


def _go_on(studio: Studio, recipe: str, deadline: float, until: str) -> int:
    if not (studio.folder / "speeches.npz").is_file():
        stages.write_speeches(studio)
    _make_parts(studio, recipe)
    if until == "parts":
        return 0
    if not (studio.folder / "footage.pt").is_file():
        stages.make_footage(studio)
    if until == "footage":
        return 0
    seconds = deadline - time.perf_counter() - _KEEPING_SECONDS
    if seconds < _LEAST_TRANSFORMER_SECONDS:
        say("call again to go on with the transformer")
        return 0
    done = stages.go_on_with_transformer(studio, seconds)
    if not done:
        say("call again to go on")
        return 0
    finish(studio)
    say("all is done")
    return 0


def _make_parts(studio: Studio, recipe: str) -> None:
    """The small parts are trained in a process beside that of the autoencoder, which leaves the GPU gaps."""
    beside = None
    if not all(studio.weights(part).is_file() for part in _SMALL_PARTS):
        command = [sys.executable, "-m", "demo.train", str(studio.folder), "--only", "small-parts"]
        beside = subprocess.Popen([*command, "--device", str(studio.device), "--recipe", recipe])
    if not studio.weights("autoencoder").is_file():
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.benchmark_limit = _KERNELS_TRIED
        try:
            stages.make_autoencoder(studio)
        except BaseException:
            if beside is not None:
                beside.terminate()
            raise
    if beside is not None and beside.wait() != 0:
        raise SystemExit("the small parts were not made; what went wrong is above")


def _make_small_parts(studio: Studio) -> None:
    makers = {
        "listener": stages.make_listener,
        "text_encoder": stages.make_text_encoder,
        "reader": stages.make_reader,
    }
    for part, make in makers.items():
        if not studio.weights(part).is_file():
            make(studio)
            say(f"{part} is made")


if __name__ == "__main__":
    sys.exit(main())
