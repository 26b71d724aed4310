"""The benchmarks of whole parts, on tiny models: a generation, the autoencoder, loading, a sweep."""

import time
from pathlib import Path

import pytest
import torch

from benchmarks.stages import Stage, StageMeter
from tests.benchmarks.reports import report_of


def test_clip(tmp_path: Path):
    sizes = ("--size", "64*64", "--frames", "8", "--clips", "2", "--steps", "2", "--full-steps", "10")
    modes = ("--memory", "resident", "offload")
    report = report_of(tmp_path, "clip", "--model", "tiny", "--device", "cpu", *sizes, *modes)
    rows = {tuple(row.labels.values()): row for row in report.rows}
    for memory in ("resident", "offload"):
        whole = rows[memory, "whole"].figures
        assert whole["frames"] == 13
        assert whole["frame_difference"] == 0
        assert whole["peak_gib"] is None
        parts = ("encode text", "encode speech", "encode picture")
        parts_seconds = [rows[memory, part].figures["seconds"] or 0 for part in parts]
        of_clips = [("denoise", 1), ("decode", 1), ("encode motion", 2), ("denoise", 2), ("decode", 2)]
        parts_seconds += [rows[memory, *part].figures["seconds"] or 0 for part in of_clips]
        assert all(seconds > 0 for seconds in parts_seconds)
        assert sum(parts_seconds) < (whole["seconds"] or 0)
        steps = [rows[memory, "step", clip] for clip in (1, 2)]
        assert [len(step.repeats["seconds"]) for step in steps] == [2, 2]
        # Eight more of each, by its last one: the first includes preparing the clip.
        assert [step.figures["seconds"] for step in steps] == [step.repeats["seconds"][-1] for step in steps]
        missing = 8 * sum(step.figures["seconds"] or 0 for step in steps)
        assert whole["extrapolated_seconds"] == pytest.approx((whole["seconds"] or 0) + missing, rel=1e-4)


def test_a_stage_inside_another_is_counted_once():
    meter = StageMeter(torch.device("cpu"))
    with meter.stage("load text encoder"), meter.stage("encode text"):
        time.sleep(0.05)
    meter.clip = 2
    with meter.stage("decode"):
        pass
    seconds = meter.seconds
    assert list(seconds) == [Stage("load text encoder", None), Stage("encode text", None), Stage("decode", 2)]
    assert seconds[Stage("encode text", None)] >= 0.05 > seconds[Stage("load text encoder", None)]


def test_vae(tmp_path: Path):
    sizes = ("--sizes", "64*64", "--latents", "2", "--repeats", "1")
    report = report_of(tmp_path, "vae", "--model", "tiny", "--device", "cpu", *sizes, "--precisions", "bfloat16")
    rows = {(row.labels["precision"], row.labels["direction"]): row.figures for row in report.rows}
    assert list(rows) == [(name, way) for name in ("float32", "bfloat16") for way in ("encode", "decode")]
    assert all((figures["seconds"] or 0) > 0 for figures in rows.values())
    assert rows["float32", "encode"]["difference"] == 0
    assert rows["float32", "decode"]["largest_error_levels"] == 0
    assert 0 < (rows["bfloat16", "encode"]["difference"] or 0) < 0.1
    decoded = rows["bfloat16", "decode"]
    assert 0 < (decoded["mean_error_levels"] or 0) < (decoded["largest_error_levels"] or 0) < 50


def test_load(tmp_path: Path):
    report = report_of(tmp_path, "load", "--model", "tiny", "--device", "cpu", "--folder", str(tmp_path))
    assert [row.labels["load"] for row in report.rows] == [
        "first",
        "again",
        "safetensors, by its library",
        "safetensors, staged",
        "pth, by PyTorch",
        "pth, staged",
    ]
    assert all((row.figures.get("load_seconds") or row.figures["seconds"] or 0) > 0 for row in report.rows)
    assert [path.name for path in tmp_path.iterdir()] == ["load.json"]


def test_sweep(tmp_path: Path):
    settings = ("model=random", "infer_frames=4", "num_clip=1", "base_seed=1", "tracking=none")
    settings += ("resolution.max_area=4096",)
    report = report_of(tmp_path, "sweep", "--repeats", "1", "--swept", "sampler.steps=1,2", "--", *settings)
    (row,) = report.rows
    figures = {name: value or 0 for name, value in row.figures.items()}
    assert row.labels == {"sweep": "2 points of model=random"}
    assert figures["points"] == 2
    assert 0 < figures["overhead_seconds_per_point"] < figures["wall_seconds"]
    assert 0 < figures["compare_seconds_per_point"] < figures["overhead_seconds_per_point"]
    assert figures["overhead_share_of_full_point"] > 0
