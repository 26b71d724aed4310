"""Each benchmark, run as a user runs it, on a tiny model."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fast import EXACT, MEASURES, SETTINGS, compare_pairs, summarise

ROOT = Path(__file__).parent.parent.parent


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--tiny", "--device", "cpu", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


def report_of(name: str, out: Path, *arguments: str) -> dict:
    result = run(name, *arguments, "--out", str(out))
    assert result.returncode == 0, result.stderr
    return json.loads(out.read_text())


def test_forward(tmp_path: Path):
    sizes = ("--size", "128*64", "--frames", "8", "--attention", "sdpa", "sdpa_math")
    report = report_of("forward", tmp_path / "report.json", *sizes)
    assert [(row["attention"], row["tokens"]) for row in report["results"]] == [
        ("sdpa", 96),
        ("sdpa", 144),
        ("sdpa_math", 96),
        ("sdpa_math", 144),
    ]
    assert all(row["forward_seconds"] > 0 for row in report["results"])


def test_generation(tmp_path: Path):
    sizes = ("--size", "64*64", "--frames", "8", "--clips", "2", "--steps", "1")
    report = report_of("generation", tmp_path / "report.json", *sizes)
    assert report["frames"] == 13
    assert [clip for clip, _ in report["clip_done"]] == [0, 1]
    assert [row[:2] for row in report["step_done"]] == [[0, 1], [1, 1]]


def test_loading(tmp_path: Path):
    report = report_of("loading", tmp_path / "report.json", "--layers", "2", "--folder", str(tmp_path))
    assert [run["load_seconds"] > 0 for run in report["runs"]] == [True, True]
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "100*64"), "multiples of 64"),
        (("--size", "64"), "width*height"),
        (("--frames", "81"), "multiple of 4"),
        (("--attention", "sdap"), "is not known"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: tuple[str, ...], words: str):
    result = run("forward", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_sweep_overhead(tmp_path: Path):
    settings = ("model=random", "infer_frames=4", "num_clip=1", "base_seed=1", "tracking=none")
    settings += ("resolution.max_area=4096",)
    command = [sys.executable, "-m", "benchmarks.sweep_overhead", "--repeats", "1", "--swept", "sampler.steps=1,2"]
    out = tmp_path / "report.json"
    subprocess.run([*command, "--out", str(out), "--", *settings], cwd=ROOT, check=True, timeout=240)
    (repeat,) = json.loads(out.read_text())["repeats"]
    assert repeat["points"] == 2
    assert 0 < repeat["overhead_seconds_per_point"] < repeat["wall_seconds"]
    assert 0 < repeat["compare_seconds_per_point"] < repeat["overhead_seconds_per_point"]
    assert repeat["overhead_share_of_full_point"] > 0


def row_of(case: str, way: str, error: float, opening: float) -> dict:
    setting = SETTINGS[0]
    asked = {"case": case, "steps": setting.steps, "guide_scale": setting.guide_scale, "way": way, "passes": 32}
    return {**asked, "latent_error": error, "lag": 0, **dict.fromkeys(MEASURES, 0.5), "r_opening": opening}


def test_fast_is_compared_case_by_case():
    rows = []
    for number, worse in enumerate((0.01, 0.02, 0.03)):
        case = f"case {number}"
        rows += [row_of(case, EXACT, 0.0, 0.9), row_of(case, "16 steps", 0.05, 0.9 - 2 * worse)]
        rows.append(row_of(case, "16 of 40, calibrated", 0.01, 0.9 - worse))
    exact, plain, calibrated = summarise(rows)
    assert (exact["way"], exact["cases"], "less_exact" in exact) == (EXACT, 3, False)
    assert plain["less_exact"]["r_opening"]["mean"] == pytest.approx(-0.04)
    assert calibrated["latent_error"] == 0.01
    assert calibrated["less_exact"]["ssim"] == {"mean": 0, "low": 0, "high": 0}
    (pair,) = compare_pairs(rows)
    assert (pair["taken"], pair["passes"]) == (16, 32)
    assert pair["latent_error"] == {"mean": -0.04, "low": -0.04, "high": -0.04}
    assert pair["r_opening"]["mean"] == pytest.approx(0.02)
    assert 0.01 <= pair["r_opening"]["low"] < 0.02 < pair["r_opening"]["high"] <= 0.03


def test_every_way_of_the_fast_benchmark_makes_fewer_passes():
    for setting in SETTINGS:
        found = setting.ways((1.0, 0.5, 0.0))
        assert next(iter(found)) == EXACT
        assert len(found) == 1 + 2 * len(setting.shares) + 2 * setting.with_guidance_saved
        assert all(
            way.steps < setting.steps or way.economy.step_share < 1 for name, way in found.items() if name != EXACT
        )
