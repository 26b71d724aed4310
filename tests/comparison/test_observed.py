"""What a sweep on disk tells: from its records to findings.json."""

import json
from pathlib import Path

import pytest

from s2v_runner.comparison.compare import compare_sweep
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.tracking.definition import read_definition
from tests.comparison.looks import TINY
from tests.comparison.sweeps import change_record, make_sweep, set_status

SWEPT = {"base_seed": [0, 1000, 2000, 3000], "sampler.guide_scale": [3.0, 6.0]}


@pytest.fixture(scope="module")
def measured_sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Guidance opens the mouth, and what it does is the same for every seed but for a little."""
    sweep = make_sweep(tmp_path_factory.mktemp("outputs"), SWEPT, TINY)
    for point in read_definition(sweep).points:
        seed, guidance = int(point.values["base_seed"] or 0) // 1000, float(point.values["sampler.guide_scale"] or 0)
        mouth = 0.4 + 0.1 * seed + 0.2 * (guidance > 3) + 0.0001 * (point.number * 7 % 5)
        change_record(sweep, point.number, measures={"mouth_r": {"value": mouth, "reason": None}})
    return sweep


def test_findings_lie_beside_the_page(measured_sweep: Path):
    made = compare_sweep(measured_sweep, None, lambda _: None)
    assert made.files["findings"] == "findings.json"
    found = json.loads(made.findings.read_text(encoding="utf-8"))
    assert (found["draws"], found["units"]) == (["base_seed"], 4)
    (raised,) = (each for each in found["findings"] if each["metric"] == "mouth_r")
    assert (raised["verdict"], raised["values"], raised["n"]) == ("raises", [3.0, 6.0], 4)
    assert raised["low"] <= 0.2 <= raised["high"]
    assert "guide_scale 3 → 6 raises Mouth with loudness by 0.200" in raised["text"]
    # Both take as long, so that what is better is to be used.
    assert found["recommendation"]["settings"] == {"sampler.guide_scale": 6.0}
    assert json.dumps(raised["text"]) in made.page.read_text(encoding="utf-8")


def test_metrics_that_no_point_has_are_no_columns(measured_sweep: Path):
    compare_sweep(measured_sweep, None, lambda _: None)
    head = (measured_sweep / "comparison.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [metric.key for metric in VIDEO_METRICS if metric.key in head] == ["mouth_r"]


def test_what_has_failed_tells_nothing(tmp_path: Path):
    sweep = make_sweep(tmp_path, SWEPT, TINY)
    for number in range(1, 9):
        set_status(sweep, number, "FAILED", "it failed")
    found = json.loads(compare_sweep(sweep, None, lambda _: None).findings.read_text(encoding="utf-8"))
    assert found["findings"] == []
    assert "no point has finished" in found["recommendation"]["text"]
