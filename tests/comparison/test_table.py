import csv
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.comparison.baseline import choose_baseline
from s2v_runner.comparison.measures import METRICS
from s2v_runner.comparison.mosaics import Mosaics
from s2v_runner.comparison.numbers import measure_point
from s2v_runner.comparison.reading import ComparedSweep, read_sweep
from s2v_runner.comparison.sounds import Sounds
from s2v_runner.comparison.table import Compared, MeasuredPoint, page_data, table_text
from s2v_runner.comparison.viewing import view_points
from s2v_runner.records import Value
from s2v_runner.tracking.definition import PointDefinition, SweepDefinition, read_definition, write_definition
from tests.comparison.sweeps import SEED, change_record, folder_of, set_status

NOW = datetime(2026, 11, 22, 15, 4).astimezone()


def compared(sweep: Path, kept: Path) -> Compared:
    """Without anything to see or to hear."""
    kept.mkdir(exist_ok=True)
    read = read_sweep(sweep)
    baseline = choose_baseline(read.definition, None)
    viewed = view_points(read.points, baseline, kept, print)
    points = tuple(MeasuredPoint(point, measure_point(point)) for point in viewed)
    whole = ComparedSweep(sweep, read.definition, tuple(point.point for point in viewed))
    return Compared(sweep=whole, points=points, baseline=baseline, mosaics=Mosaics((), {}), sounds=Sounds((), {}))


def data_of(sweep: Path, kept: Path) -> dict[str, Any]:
    data = page_data(compared(sweep, kept), {}, NOW)
    return json.loads(json.dumps(data, allow_nan=False))


def rows_of(sweep: Path, kept: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_text(compared(sweep, kept)))))


def swept_as(sweep: Path, points: Sequence[Mapping[str, Value]]) -> SweepDefinition:
    """Let the first points of a sweep have other values; there are no folders then."""
    definition = read_definition(sweep)
    numbered = tuple(PointDefinition(number=n, identity="ab" * 32, values=values) for n, values in enumerate(points, 1))
    definition = replace(definition, swept=tuple(points[0]), points=numbered)
    write_definition(sweep, definition)
    return definition


def test_data_are_as_the_page_expects_them(made_sweep: Path, tmp_path: Path):
    data = data_of(made_sweep, tmp_path / "kept")
    assert data["title"] == "Steps and guidance"
    assert data["identity"] == read_definition(made_sweep).identity
    assert data["made"] == "2026-11-22 15:04"
    assert data["command"].startswith("python -m s2v_runner -m sampler.steps=10,20,40 ")
    assert data["baseline"] == "steps=40"
    assert data["parameters"] == [
        {"key": "sampler.steps", "name": "steps", "values": [10, 20, 40], "numeric": True},
        {"key": "sampler.guide_scale", "name": "guide_scale", "values": [3.0, 4.5], "numeric": True},
    ]
    assert data["metrics"][0].keys() == {"key", "name", "unit", "better", "digits", "kind", "notable", "help"}
    point = data["points"][1]
    assert point["number"] == 2
    assert point["name"] == "steps 10, guide_scale 4.5"
    assert point["values"] == {"sampler.steps": 10, "sampler.guide_scale": 4.5}
    assert (point["status"], point["error"], point["baseline"]) == ("FINISHED", None, 6)
    assert point["folder"] == f"points/{folder_of(made_sweep, 2).name}"
    assert point["video"] == f"{point['folder']}/video.mp4"
    assert [point[key] for key in ("width", "height", "frames", "fps", "seconds")] == [64, 48, 12, 16.0, 0.75]
    # No metric that no point has.
    keys = [metric["key"] for metric in data["metrics"]]
    assert keys == [key for key in (metric.key for metric in METRICS) if key in point["metrics"]]
    assert {"psnr", "seconds", "file_mib"} <= set(keys)
    assert not {"latent_distance", "mouth_r"} & set(keys)
    assert point["reasons"] == {}
    assert data["points"][5]["metrics"]["psnr"] is None
    assert data["points"][5]["reasons"] == {"psnr": "identical to the baseline"}


def test_points_without_a_video_are_there_too(sweep: Path, tmp_path: Path):
    set_status(sweep, 1, "FAILED", "GenerationError: not finite")
    shutil.rmtree(folder_of(sweep, 2))
    points = data_of(sweep, tmp_path / "kept")["points"]
    assert [point["status"] for point in points] == ["FAILED", "MISSING", *["FINISHED"] * 4]
    assert points[0]["error"] == "GenerationError: not finite"
    for point in points[:2]:
        assert [point[key] for key in ("video", "width", "fps", "seconds", "tile", "sound")] == [None] * 6
        assert set(point["metrics"].values()) == {None}
        assert point["reasons"].keys() == point["metrics"].keys()


def test_values_of_any_kind_are_told_apart(sweep: Path, tmp_path: Path):
    swept_as(
        sweep,
        [
            {"sampler.shift": "auto", "num_clip": None, "start_from_ref": True, "base_seed": 9},
            {"sampler.shift": 3.0, "num_clip": 1, "start_from_ref": 1, "base_seed": 10},
            {"sampler.shift": float("inf"), "num_clip": None, "start_from_ref": False, "base_seed": 1},
        ],
    )
    data = data_of(sweep, tmp_path / "kept")
    assert [(parameter["values"], parameter["numeric"]) for parameter in data["parameters"]] == [
        (["auto", 3.0, "inf"], False),
        ([None, 1], False),
        ([True, 1, False], False),
        ([1, 9, 10], True),
    ]
    assert data["parameters"][2]["values"][0] is True
    assert data["points"][2]["values"]["sampler.shift"] == "inf"
    assert data["points"][0]["name"] == "shift auto, num_clip null, start_from_ref true, base_seed 9"


def test_long_values_keep_both_ends(sweep: Path, tmp_path: Path):
    swept_as(sweep, [{"prompt": "A woman " + "x" * 99 + " speaks"}, {"prompt": "short"}])
    name = data_of(sweep, tmp_path / "kept")["points"][0]["name"]
    assert name.startswith("prompt A woman ")
    assert name.endswith(" speaks")
    assert len(name) < 50


def test_what_all_share_is_said_once(sweep: Path, tmp_path: Path):
    summary = dict(data_of(sweep, tmp_path / "kept")["summary"])
    assert summary["seed"] == f"{SEED}, drawn for all"
    assert summary["model"] == "demo"
    assert summary["recording"] == "speech.wav"
    assert summary["size"] == "64x48"
    assert summary["solver"] == "unipc"
    assert summary["device"] == "NVIDIA H200"
    assert summary["code"] == "0123456789ab"
    assert summary["frames"] == "12"
    assert "steps" not in summary
    assert "pose" not in summary
    change_record(sweep, 1, base_seed=7, environment={}, choices={"model": "wan_s2v_14b"})
    summary = dict(data_of(sweep, tmp_path / "kept")["summary"])
    assert not {"seed", "model", "device", "code"} & summary.keys()


def test_what_finished_points_share_is_not_hidden_by_others(sweep: Path, tmp_path: Path):
    change_record(sweep, 1, environment={}, resolved={}, plan={})
    set_status(sweep, 1, "FAILED", "it failed")
    assert {"device", "size", "frames"} <= dict(data_of(sweep, tmp_path / "kept")["summary"]).keys()
    for number in range(2, 7):
        shutil.rmtree(folder_of(sweep, number))
    summary = dict(data_of(sweep, tmp_path / "kept")["summary"])
    assert summary["prompt"].startswith("A person looks")
    assert "device" not in summary


def test_passwords_are_not_shown(sweep: Path, tmp_path: Path):
    words = ("/usr/bin/s2v-runner", "-m", "tracking.uri=https://me:secret@host/", "prompt=A woman, speaking")
    write_definition(sweep, replace(read_definition(sweep), command=words))
    command = data_of(sweep, tmp_path / "kept")["command"]
    assert command.startswith("s2v-runner -m tracking.uri=https://")
    assert command.endswith(" 'prompt=A woman, speaking'")
    assert "secret" not in command


def test_the_table_has_a_row_for_each_point(sweep: Path, tmp_path: Path):
    set_status(sweep, 2, "FAILED", "GenerationError: clip 1,\nnot finite")
    rows = rows_of(sweep, tmp_path / "kept")
    assert list(rows[0])[:5] == ["number", "status", "sampler.steps", "sampler.guide_scale", "psnr_dB"]
    assert list(rows[0])[-6:] == ["baseline", "seed", "folder", "video", "identity", "error"]
    assert {"ssim", "step_seconds", "device_gib", "file_mib"} <= set(rows[0])
    assert [row["number"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert rows[0]["sampler.guide_scale"] == "3.0"
    assert float(rows[0]["psnr_dB"]) > 5
    assert (rows[4]["psnr_dB"], rows[4]["ssim"], rows[4]["baseline"]) == ("", "1.0", "5")
    assert (rows[1]["status"], rows[1]["ssim"], rows[1]["video"]) == ("FAILED", "", "")
    assert rows[1]["error"] == "GenerationError: clip 1,\nnot finite"
    assert (tmp_path / "outputs" / "sweeps" / sweep.name / rows[0]["video"]).is_file()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+1", "'+1+1"),
        ("-x", "'-x"),
        ("@sum", "'@sum"),
        ("\t=1", "'\t=1"),
        ("-1.5e3", "-1.5e3"),
        (-3, "-3"),
        ("a=b", "a=b"),
        ("", ""),
        (None, ""),
        (True, "True"),
    ],
)
def test_no_text_becomes_a_formula(sweep: Path, tmp_path: Path, value: Value, cell: str):
    swept_as(sweep, [{"prompt": value}])
    assert rows_of(sweep, tmp_path / "kept")[0]["prompt"] == cell
