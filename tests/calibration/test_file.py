import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.calibration.file import FORMAT, Calibration, check_calibration, read_calibration, write_calibration
from s2v_runner.config.places import asset
from s2v_runner.errors import InputError
from s2v_runner.records import Request

Make = Callable[..., Request]
CALIBRATION = Calibration(
    format=FORMAT,
    checkpoint="digest",
    solver="unipc",
    steps=40,
    guide_scales=(2.0, 4.0),
    levels=(0.999, 0.9, 0.5, 0.0),
    step_share=0.075,
    report={"trajectories": 1},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_calibration(tmp_path / "calibration.json", CALIBRATION)
    return tmp_path / "calibration.json"


def test_what_is_written_is_read(path: Path):
    assert read_calibration(path) == CALIBRATION


@pytest.mark.parametrize(
    "change", [{}, {"steps": 20}, {"steps": 80}, {"guide_scale": 1.34}, {"guide_scale": 6.0}, {"shift": 9.0}]
)
def test_it_holds_for_runs_like_those_it_was_measured_on(path: Path, request_for: Make, change: dict[str, Any]):
    check_calibration(path, "digest", request_for(**{"solver": "unipc", "steps": 40, "guide_scale": 4.5, **change}))


@pytest.mark.parametrize(
    ("digest", "change", "said"),
    [
        ("another", {}, "other weights"),
        ("digest", {"solver": "euler"}, "measured with unipc, and the sampler is euler"),
        ("digest", {"steps": 19}, r"40 steps, which holds for half to twice as many, and sampler\.steps=19"),
        ("digest", {"steps": 81}, r"sampler\.steps=81"),
        ("digest", {"guide_scale": 1.0}, r"1\.33333 to 6, and sampler\.guide_scale=1\."),
        ("digest", {"guide_scale": 6.1}, r"sampler\.guide_scale=6\.1"),
    ],
)
def test_it_is_refused_for_others(path: Path, request_for: Make, digest: str, change: dict[str, Any], said: str):
    request = request_for(**{"solver": "unipc", "steps": 40, "guide_scale": 4.5, **change})
    with pytest.raises(InputError, match=rf"^speed\.calibration=.*{said}.*speed\.calibration=null"):
        check_calibration(path, digest, request)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "format 2"),
        ({"levels": [0.5]}, "damaged"),
        ({"levels": [0.5, 0.7, 0.0]}, "damaged"),
        ({"levels": [1.5, 0.0]}, "damaged"),
        ({"levels": [0.5, float("nan")]}, "damaged"),
        ({"guide_scales": []}, "damaged"),
        ({"levels": None}, "no calibration"),
        ({"more": 1}, "no calibration"),
        ({"steps": "many"}, "damaged"),
    ],
)
def test_a_damaged_file_is_refused(path: Path, change: dict[str, Any], said: str):
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=rf"^speed\.calibration=.*{said}"):
        read_calibration(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "nothing of the kind", "\x00"])
def test_what_is_none_is_refused(path: Path, content: str):
    path.write_text(content)
    with pytest.raises(InputError, match=r"^speed\.calibration="):
        read_calibration(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_calibration(path.parent)


def test_the_demo_models_own_holds_for_its_defaults_and_for_the_released_ones(request_for: Make):
    path = Path(asset("demo_model/calibration.json"))
    calibration = read_calibration(path)
    for steps, guide_scale in ((20, 2.0), (40, 4.5)):
        request = replace(request_for(steps=steps, guide_scale=guide_scale, solver="unipc"))
        check_calibration(path, calibration.checkpoint, request)
