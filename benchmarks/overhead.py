"""What the runner costs around the model: seconds beyond importing its libraries and generating the same frames.

    python -m benchmarks overhead --repeats 3 --out overhead.json

Each repeat starts two fresh processes: one imports the runner's libraries and generates frames with nothing around it,
one makes two whole runs, tracked by MLflow. Encoding the video is counted apart, as the runs time it themselves.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import medians, write_report

SETTINGS = (
    "model=random",
    "infer_frames=16",
    "num_clip=1",
    "sampler.steps=4",
    "base_seed=1",
    "resolution.max_area=4096",
)

BARE = """
import accelerate, argcomplete, av, filelock, hydra, imageio.v3, mlflow, omegaconf, pydantic, rich, soundfile, soxr
import mlflow.store.tracking.sqlalchemy_store
from dataclasses import replace
from pathlib import Path
import torch
from s2v_runner.conditioning.cache import NO_CACHE
from s2v_runner.config.compose import compose_run
from s2v_runner.prepare import prepare_run
from s2v_runner.placement.choice import choose_placement
from s2v_runner.placement.devices import look_at
from s2v_runner.describe import placement_request
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.production import Engines
from s2v_runner.generation import UNWATCHED, generate
config = compose_run(SETTINGS).config
run = prepare_run(config)
device = "cuda" if torch.cuda.is_available() else "cpu"
placement = choose_placement(placement_request(run), look_at(device), run.estimate_cost)
engine = Engines(UNSHARDED).engine_for(run, placement)
for part in generate(run.request, engine, UNWATCHED, None, NO_CACHE):
    pass
"""

RUNS = """
import json, time
from s2v_runner.config.compose import compose_run
from s2v_runner.run import Session, perform_run
session = Session()
def perform():
    begin = time.perf_counter()
    record = perform_run(compose_run(SETTINGS), ("benchmark",), session, None).record
    return time.perf_counter() - begin, dict(record.attempts[-1].stages)
first, second = perform(), perform()
print(json.dumps({"second_seconds": second[0], "first_stages": first[1], "second_stages": second[1]}))
"""
# Not the runner's doing: what the model computes or loads, and reading its inputs.
AROUND_THE_MODEL = ("import libraries", "read conditioning", "keep conditioning", "write video")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks overhead", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    rows = [measure() for _ in range(options.repeats)]
    write_report(options.out, {"cores": os.cpu_count(), "repeats": rows, "median": medians(rows)})


def measure() -> dict[str, float]:
    """Seconds: of the bare process, of the first run beyond it, of the second run beyond the model."""
    with tempfile.TemporaryDirectory() as folder:
        bare, _ = timed(BARE, folder)
        whole, said = timed(RUNS, folder)
    runs = json.loads(said.splitlines()[-1])
    first, second = runs["first_stages"], runs["second_stages"]
    model = sum(seconds for name, seconds in second.items() if name not in AROUND_THE_MODEL)
    further = runs["second_seconds"] - model - second["write video"]
    return {
        "bare_seconds": bare,
        "first_run_seconds": whole - runs["second_seconds"],
        "encoding_seconds": first["write video"],
        "first_run_overhead_seconds": whole - runs["second_seconds"] - first["write video"] - bare,
        "further_run_overhead_seconds": further,
    }


def timed(code: str, folder: str) -> tuple[float, str]:
    """Seconds of a fresh process, and what it printed."""
    settings = f"SETTINGS = {[*SETTINGS, f'output.folder={folder}/outputs']!r}\n"
    begin = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", settings + code], capture_output=True, text=True, check=True)
    return time.perf_counter() - begin, result.stdout
