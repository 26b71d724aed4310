"""`s2v-runner calibrate`, and what its file does to a run."""

import json
from pathlib import Path

import pytest

from s2v_runner.calibration.file import read_calibration
from s2v_runner.config.compose import compose_run
from s2v_runner.prepare import prepare_run
from s2v_runner.tracking.record import read_record
from tests.runs import Workshop, run_cli

STEPS = ("sampler=unipc", "sampler.steps=6", "num_clip=1")


@pytest.fixture
def calibrated(workshop: Workshop) -> Path:
    """A file that a process of its own has made."""
    path = workshop.folder / "steps.json"
    made = run_cli(
        workshop.folder,
        "calibrate",
        "-m",
        *workshop.settings,
        *STEPS,
        "sampler.guide_scale=2,4",
        "--share",
        "0.5",
        "--error",
        "10",
        "--out",
        path.name,
    )
    assert made.returncode == 0, made.stderr
    assert "run 2 of 2: seed 7, guidance 4, 12 passes" in made.stdout
    assert "3 of 6 steps: an error of 0." in made.stdout
    assert made.stdout.endswith("speed=fast speed.calibration=steps.json speed.step_share=0.5\n")
    return path


def test_what_is_calibrated_is_what_fast_does(workshop: Workshop, calibrated: Path):
    calibration = read_calibration(calibrated)
    assert calibration.guide_scales == (2.0, 4.0)
    assert calibration.report["trajectories"] == 2
    assert [row["steps"] for row in calibration.report["steps"]] == [1, 2, 3, 4, 5, 6]
    assert len(calibration.report["profile"]) == 6
    assert calibration.report["measured"] > 0
    words = (*workshop.settings, *STEPS, "speed=fast", f"speed.calibration={calibrated}", "speed.step_share=0.5")
    run = prepare_run(compose_run(words).config)
    assert list(run.plan.taken) == calibration.report["chosen"]["steps"]
    finished = workshop.perform(*words)
    assert finished.record.status == "FINISHED"
    log = (finished.folder / "run.log").read_text(encoding="utf-8")
    assert f"passes    6 of 12 a clip: 3 of 6 steps taken (by {calibrated}), 3 with guidance" in log
    steps = [json.loads(line) for line in (finished.folder / "steps.jsonl").read_text().splitlines()]
    assert len(steps) == 3


def test_a_run_is_known_by_what_its_calibration_says_and_is_repeated_without_the_file(
    workshop: Workshop, calibrated: Path
):
    words = (*workshop.settings, *STEPS, "speed=fast", f"speed.calibration={calibrated}", "speed.step_share=0.5")
    first = workshop.perform(*words)
    moved = calibrated.rename(calibrated.with_name("moved.json"))
    again = compose_run([*words, f"speed.calibration={moved}"]).config
    assert prepare_run(again).identity == first.record.identity
    moved.unlink()
    repeated = run_cli(workshop.folder, "reproduce", str(first.folder))
    assert repeated.returncode == 0, repeated.stderr
    assert "the frames are identical" in repeated.stdout
    assert read_record(first.folder).inputs["calibration"]["path"] == str(calibrated)
    assert prepare_run(compose_run([*workshop.settings, *STEPS]).config).identity != first.record.identity
