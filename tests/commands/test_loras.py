"""Runs with LoRAs, from the command line to the record."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from s2v_runner.cli import main
from s2v_runner.digests import digest_file
from tests.places import TINY_CHECKPOINT
from tests.runs import Workshop, read_json, run_cli

Said = pytest.CaptureFixture[str]
RANDOM = ("model=random", "tracking=none", "infer_frames=4", "num_clip=1", "base_seed=1", "sampler.steps=1")


def write_lora(path: Path, width: int, seed: int) -> Path:
    """Factors for a layer of each of two blocks, and a tensor that an image-to-video model would have."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {"diffusion_model.blocks.0.cross_attn.k_img.diff_b": torch.zeros(width)}
    for block in range(2):
        name = f"diffusion_model.blocks.{block}.self_attn.v"
        tensors[f"{name}.lora_down.weight"] = torch.randn(4, width, generator=generator)
        tensors[f"{name}.lora_up.weight"] = torch.randn(width, 4, generator=generator)
    save_file(tensors, path)
    return path


def test_a_sweep_over_scales_in_a_process_of_its_own(tmp_path: Path):
    path = write_lora(tmp_path / "a.safetensors", 128, seed=0)
    swept = "model.loras=null,a.safetensors:0,a.safetensors:0.5,a.safetensors"
    result = run_cli(tmp_path, "-m", *RANDOM, "resolution.max_area=4096", swept)
    assert result.returncode == 0, result.stderr
    assert "loads     4 times: models or placements differ" in result.stdout
    folders = sorted(tmp_path.glob("outputs/sweeps/*/points/*/record.json"))
    records = {record["requested"]["model"]["loras"]: record for record in map(read_json, folders)}
    frames = {loras: record["frames"]["sha256"] for loras, record in records.items()}
    assert frames["a.safetensors:0"] == frames[None]
    assert len(set(frames.values())) == 3
    assert records[None]["checkpoint"]["loras"] == []
    assert records["a.safetensors:0.5"]["checkpoint"]["loras"] == [
        {"path": str(path), "scale": 0.5, "sha256": digest_file(path), "left_out": 1}
    ]
    assert records["a.safetensors"]["resolved"]["model"]["loras"] == f"{path}:1.0"


def test_a_dry_run_holds_them_against_the_weights(workshop: Workshop, capsys: Said):
    path = write_lora(workshop.folder / "a.safetensors", 80, seed=0)
    assert main([*workshop.settings, "dry_run=true", f"model.loras={path}:0.8"]) == 0
    assert f"loras     0.8 of {path} (left out: 1 of its tensors, for encoded pictures)" in capsys.readouterr().out
    write_lora(path, 128, seed=0)
    assert main([*workshop.settings, "dry_run=true", f"model.loras={path}:0.8"]) == 2
    said = capsys.readouterr()
    assert "2 of its 5 tensors are not of the shapes" in said.err
    assert "Traceback" not in said.err


def test_reproduce_merges_the_same_again_and_says_when_it_cannot(workshop: Workshop, capsys: Said):
    path = write_lora(workshop.folder / "a.safetensors", 80, seed=0)
    made = workshop.perform("num_clip=1", f"model.loras={path}:0.8")
    assert made.record.frames != workshop.perform("num_clip=1").record.frames
    assert main(["reproduce", str(made.folder)]) == 0
    assert "the frames are identical" in capsys.readouterr().out
    write_lora(path, 80, seed=1)
    assert main(["reproduce", str(made.folder)]) == 1
    said = capsys.readouterr()
    assert f"the LoRA '{path}' is not the one the run was made with" in said.err
    assert "the frames differ" in said.out


def test_check_looks_at_them_too(tmp_path: Path, capsys: Said):
    sound = write_lora(tmp_path / "sound.safetensors", 80, seed=0)
    wide = write_lora(tmp_path / "wide.safetensors", 128, seed=0)
    assert main(["check", str(TINY_CHECKPOINT), "--deep", "--loras", str(sound)]) == 0
    said = capsys.readouterr().out
    assert f"LoRA           ok   {sound}" in said
    assert "left out: 1 of its tensors, for encoded pictures" in said
    assert main(["check", str(TINY_CHECKPOINT), "--loras", f"{sound}:0.5+{wide}"]) == 2
    said = capsys.readouterr().out
    assert f"LoRA           BAD  {wide}" in said
    assert "are not of the shapes" in said
    save_file({"diffusion_model.head.head.diff_b": torch.full((64,), float("nan"))}, wide)
    assert main(["check", str(TINY_CHECKPOINT), "--loras", str(wide)]) == 0
    assert main(["check", str(TINY_CHECKPOINT), "--deep", "--loras", str(wide)]) == 2
    assert "'diffusion_model.head.head.diff_b' holds values that are not finite" in capsys.readouterr().out
