"""A training in small, in processes of its own, from nothing to the last weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

from safetensors import safe_open

PARTS = {"autoencoder", "listener", "text_encoder", "reader"}
# Two processes train at once, and so much memory comes and goes that giving it back takes a third of the time.
SURROUNDINGS = {"OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**32)}


def train(folder: Path, *more: str) -> str:
    """What a call of the command says."""
    command = [sys.executable, "-m", "demo.train", str(folder), "--device", "cpu", "--recipe", "rehearsal", *more]
    called = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **SURROUNDINGS})
    assert called.returncode == 0, called.stderr
    return called.stdout


def written(folder: Path) -> dict[str, int]:
    """When each file was written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_rehearsal_goes_through_all_stages_and_passes_over_what_is_there(tmp_path: Path):
    folder = tmp_path / "training"
    said = train(folder, "--until", "parts")
    assert "speeches: " in said
    parts = written(folder)
    assert {f"weights/{part}.safetensors" for part in PARTS} < parts.keys()
    assert {f"logs/{part}.jsonl" for part in PARTS} < parts.keys()
    assert {"speeches.npz", "weights/tokenizer.json"} < parts.keys()
    assert not (folder / "footage.pt").exists()

    said = train(folder)
    assert "speeches: " not in said
    assert said.endswith("all is done\n")
    everything = written(folder)
    assert {name: everything[name] for name in parts} == parts
    assert {"footage.pt", "transformer.pt", "weights/transformer.safetensors"} < everything.keys()
    assert (folder / "checkpoint" / "config.json").is_file()
    assert not list(folder.rglob(".*"))
    with safe_open(folder / "weights" / "transformer.safetensors", "pt") as weights:
        assert weights.get_tensor("head.project.weight").any()
    steps = (folder / "logs" / "transformer.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in steps] == [0]


def test_a_recipe_that_there_is_not_is_refused_before_anything_is_made(tmp_path: Path):
    command = [sys.executable, "-m", "demo.train", str(tmp_path / "training"), "--recipe", "grand"]
    called = subprocess.run(command, capture_output=True, text=True)
    assert called.returncode == 2
    assert "invalid choice: 'grand'" in called.stderr
    assert not (tmp_path / "training").exists()


def test_the_full_recipe_is_refused_without_a_gpu(tmp_path: Path):
    command = [sys.executable, "-m", "demo.train", str(tmp_path / "training"), "--device", "cpu"]
    called = subprocess.run(command, capture_output=True, text=True)
    assert called.returncode == 1
    assert called.stderr.splitlines() == [
        "--device cpu: the full recipe is for a GPU: on a CPU its minutes are days. "
        "--recipe rehearsal goes through every stage on any machine"
    ]
    assert not (tmp_path / "training").exists()
