"""`s2v-runner measure`: videos that are there, measured again."""

from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.cli import main
from s2v_runner.tracking.record import read_record, write_record
from tests.runs import Workshop

Said = pytest.CaptureFixture[str]


def known(folder: Path) -> dict[str, float]:
    return {key: entry["value"] for key, entry in read_record(folder).measures.items() if entry["value"] is not None}


def test_frames_without_loss_give_what_was_measured_as_they_were_made(workshop: Workshop, capsys: Said):
    made = workshop.perform("num_clip=2", "output=lossless")
    then = known(made.folder)
    write_record(made.folder, replace(read_record(made.folder), measures={}, clip_measures={}))
    assert main(["measure", str(made.folder)]) == 0
    assert f"{len(then)} metrics of frames.mkv" in capsys.readouterr().out
    assert known(made.folder) == pytest.approx(then)
    assert read_record(made.folder).measures["flicker"]["of"] == "frames.mkv"
    assert read_record(made.folder).clip_measures == made.record.clip_measures


def test_what_is_known_stays_unless_it_is_to_be_measured_again(workshop: Workshop):
    made = workshop.perform("num_clip=1")
    then = made.record.measures
    assert main(["measure", str(made.folder), "metrics.mouth=0.2,0.2,0.5,0.5"]) == 0
    now = read_record(made.folder).measures
    assert now["noise"] == then["noise"]
    assert main(["measure", str(made.folder), "--again"]) == 0
    again = read_record(made.folder).measures
    assert again["noise"]["of"] == "video.mp4"
    # An encoder has been at it.
    assert again["noise"]["value"] != then["noise"]["value"]


def test_all_points_of_a_sweep(workshop: Workshop, capsys: Said):
    assert main(["-m", *workshop.settings, "num_clip=1", "sampler.steps=1,2", "metrics=none"]) == 0
    (sweep,) = workshop.outputs.glob("sweeps/*")
    points = sorted(sweep.glob("points/*"))
    assert [known(point) for point in points] == [{}, {}]
    assert main(["measure", sweep.name, "--outputs", str(workshop.outputs)]) == 0
    assert all(known(point) for point in points)
    assert "[2 of 2]" in capsys.readouterr().out
    (points[0] / "video.mp4").unlink()
    assert main(["measure", sweep.name, "--outputs", str(workshop.outputs), "--again"]) == 1
    told = capsys.readouterr()
    assert "is gone. Make it again" in told.err
    assert "[2 of 2]" in told.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sampler.steps=4"], "it is no setting of metrics"),
        (["metrics=none"], "nothing would be measured"),
        (["metrics.syncnet=nowhere.model"], "there is no such file"),
    ],
)
def test_what_cannot_be_measured_is_said(workshop: Workshop, capsys: Said, words: list[str], said: str):
    made = workshop.perform("num_clip=1")
    assert main(["measure", str(made.folder), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_video_that_is_gone_is_named(workshop: Workshop, capsys: Said):
    made = workshop.perform("num_clip=1")
    (made.folder / "video.mp4").unlink()
    assert main(["measure", str(made.folder)]) == 2
    assert "is gone. Make it again" in capsys.readouterr().err
    assert main(["measure", str(workshop.folder / "nowhere"), "--outputs", str(workshop.outputs)]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_a_run_is_compared_with_another_in_numbers(workshop: Workshop, capsys: Said):
    one, other = workshop.perform("num_clip=1"), workshop.perform("num_clip=1", "sampler.steps=3")
    assert main(["compare", str(one.folder), "--baseline", str(other.folder)]) == 0
    said = capsys.readouterr().out
    assert "PSNR to the baseline" in said
    assert "Latent distance to the baseline 0." in said
    assert "in the baseline" in said
    assert main(["compare", str(one.folder), "--baseline", str(one.folder)]) == 0
    assert "identical to the baseline" in capsys.readouterr().out


def test_a_baseline_that_cannot_be_one(workshop: Workshop, capsys: Said):
    one = workshop.perform("num_clip=1")
    larger = workshop.perform("num_clip=1", "size=128*128")
    assert main(["compare", str(one.folder)]) == 2
    assert "there is nothing to compare it with" in capsys.readouterr().err
    assert main(["compare", str(one.folder), "--baseline", str(workshop.folder)]) == 2
    assert "there is no record.json in it" in capsys.readouterr().err
    assert main(["compare", str(one.folder), "--baseline", str(larger.folder)]) == 0
    assert "and its baseline is" in capsys.readouterr().out
