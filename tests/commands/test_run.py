"""`s2v-runner run`: one run, several, and none."""

from pathlib import Path

import pytest

from s2v_runner.cli import main
from s2v_runner.tracking.record import read_record
from tests.runs import Workshop

Said = pytest.CaptureFixture[str]


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said):
    monkeypatch.chdir(tmp_path)
    assert main(["dry_run=true", "size=720p"]) == 0
    said = capsys.readouterr().out
    for word in ("size", "128x128", "asked 1280*720", "frames", "tokens", "seeds", "estimate", "loads", "identity"):
        assert word in said
    assert list(tmp_path.iterdir()) == []


def test_the_last_line_has_the_path_and_the_page(workshop: Workshop, capsys: Said):
    assert main([*workshop.settings, "num_clip=1", "tracking=mlflow"]) == 0
    *_, command, last = capsys.readouterr().out.splitlines()
    path, page = last.split("  ")
    assert Path(path).is_file()
    assert page.startswith("http://127.0.0.1:5000/#/experiments/")
    assert "mlflow ui --backend-store-uri sqlite:////" in command


def test_a_multirun_makes_every_point(workshop: Workshop, capsys: Said):
    save_file = f"save_file={workshop.folder}/{{sampler.steps}}_{{sampler.shift}}.mp4"
    assert main(["-m", *workshop.settings, "num_clip=1", "sampler.steps=1,2", "sampler.shift=3,5", save_file]) == 0
    assert "4 of 4 points finished" in capsys.readouterr().out
    assert {path.name for path in workshop.folder.glob("*.mp4")} == {"1_3.mp4", "1_5.mp4", "2_3.mp4", "2_5.mp4"}
    points = sorted(workshop.outputs.glob("sweeps/*/points/*"))
    assert [read_record(folder).status for folder in points] == ["FINISHED"] * 4


def test_settings_may_stand_among_options(workshop: Workshop, capsys: Said):
    assert main(["dry_run=true", "--multirun", *workshop.settings, "sampler.steps=1,2"]) == 0
    assert "sampler.steps=1,2\n  points    2: 2 to make" in capsys.readouterr().out


def test_the_composed_configuration_is_printed(capsys: Said):
    assert main(["--cfg", "job", "size=720p"]) == 0
    assert "1280*720" in capsys.readouterr().out


def test_an_environment_that_a_launcher_left_half_set_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Said):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main([]) == 2
    assert "WORLD_SIZE is set as by a launcher, RANK is not" in capsys.readouterr().err
