"""The whole of it, on two people drawn by the world itself."""

import json
import sys
from pathlib import Path
from typing import cast

import pytest
import torch

from demo import validate_metrics
from demo.evaluation.cases import Case
from demo.evaluation.making import SIDE, Made, Maker, Settings
from demo.validation.material import PLAIN, draw_material, make_material, read_material
from demo.world.head import render
from tests.demo.evaluation.shown import DEFAULT


class Drawer:
    """Draws a case, with a little grain that differs from draw to draw."""

    def make(self, case: Case, settings: Settings) -> Made:
        video = render(case.identities, case.performance, SIDE)
        grain = torch.randn(video.shape, generator=torch.Generator().manual_seed(case.noise_seed))
        return Made(video + 0.004 * grain, (0,), ())


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    said: list[str] = []
    cases = {PLAIN: draw_material(PLAIN, 2)}
    make_material(folder, cases, cast(Maker, Drawer()), DEFAULT, said.append)
    make_material(folder, cases, cast(Maker, None), DEFAULT, said.append)
    assert said == [f"plain: validation_plain_{case}_{draw}.mkv" for case in (0, 1) for draw in (0, 1)]
    return folder


def run(monkeypatch: pytest.MonkeyPatch, material: Path, out: Path, *arguments: object) -> None:
    given = ["--material", material, "--out", out, "--measure-only", *arguments]
    monkeypatch.setattr(sys, "argv", ["validate_metrics", *map(str, given)])
    validate_metrics.main()


def test_a_material_is_read_as_it_was_made(material: Path):
    [draws, _] = read_material(material, draw_material(PLAIN, 3))
    one, other = draws
    assert one.frames.shape == (77, SIDE, SIDE, 3)
    assert one.picture.shape == (SIDE, SIDE, 3)
    assert len(one.samples) == 77 * 1000
    assert one.clip_starts == (0,)
    assert (one.frames != other.frames).any()


def test_what_was_found_is_written_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, material: Path, capsys: pytest.CaptureFixture[str]
):
    run(monkeypatch, material, tmp_path, "--cases", 2, "--defects", "faded,another's speech")
    record = json.loads((tmp_path / "metrics-validation.json").read_text())
    assert record["about"]["cases"] == {"plain": 2}
    speech, faded = record["findings"]
    assert (speech["defect"], speech["metric"]) == ("another's speech", "mouth_r")
    assert faded["found from"]["in a pair"] == 2
    assert faded["sizes"][-1]["effect"] == pytest.approx(-0.5 * faded["clean"], rel=0.1)
    assert (tmp_path / "metrics-validation.png").stat().st_size > 1000
    table = capsys.readouterr().out
    assert "| faded | `saturation` |" in table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--defects", "faded,ugly"), "there is no defect 'ugly'"),
        (("--cases", 1), "set by the other cases"),
        (("--jobs", 0), "nobody would measure"),
        (("--defects", "faded", "--material", "nowhere"), "it has 2 videos of 0 of 16 cases of 'plain'"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, material: Path, arguments: tuple[object, ...], said: str
):
    with pytest.raises(SystemExit, match=said):
        run(monkeypatch, material, tmp_path / "out", *arguments)
    assert not (tmp_path / "out").exists()
