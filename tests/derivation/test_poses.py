"""Whole runs whose poses are taken from a video first, by stand-ins for the models."""

from pathlib import Path

import av
import pytest

from s2v_runner.cli import main
from tests.inputs.extraction.onnx_models import write_detector, write_estimator
from tests.inputs.extraction.people import SOMEBODY, draw_people, write_video
from tests.runs import Workshop


@pytest.fixture
def words(tmp_path: Path) -> tuple[str, ...]:
    pictures = [draw_people([SOMEBODY.moved(2 * index)]) for index in range(30)]
    return (
        "pose=extract",
        f"pose.path={write_video(tmp_path / 'dance.mp4', pictures)}",
        f"pose.detector={write_detector(tmp_path / 'detector.onnx')}",
        f"pose.estimator={write_estimator(tmp_path / 'estimator.onnx')}",
        "num_clip=1",
    )


def count_frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_poses_are_taken_from_a_video_and_lie_with_the_run(workshop: Workshop, words: tuple[str, ...]):
    finished = workshop.perform(*words)
    record = finished.record
    poses = finished.folder / record.files["poses"]
    # Of the 30 frames of 25 a second, as many as the clip of half a second lasts.
    assert 12 <= count_frames(poses) <= 14
    assert record.inputs["pose"]["sha256"] == record.prepared["poses"]["sha256"]
    assert record.inputs["pose_source"]["path"] == record.resolved["pose"]["path"]
    assert "extract poses" in record.attempts[0].stages
    assert record.prepared["pose"]["facts"]["frames"] == count_frames(poses)
    assert record.frames != workshop.perform("num_clip=1").record.frames
    drawn = workshop.perform("num_clip=1", "pose=video", f"pose.path={poses}").record
    assert drawn.frames == record.frames


def test_poses_are_taken_once_and_reproduced(
    workshop: Workshop, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    first = workshop.perform(*words)
    second = workshop.perform(*words, "sampler.steps=1")
    assert "extract poses" not in second.record.attempts[0].stages
    assert main(["reproduce", str(first.folder)]) == 0
    assert "the frames are identical" in capsys.readouterr().out


def test_what_is_wrong_with_the_models_is_said_before_the_run(
    workshop: Workshop, words: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "text.onnx").write_text("no model")
    for wrong in ("pose.detector=absent.onnx", f"pose.estimator={tmp_path / 'text.onnx'}", "pose.path=absent.mp4"):
        assert main([*workshop.settings, *words, wrong]) == 2
        said = capsys.readouterr().err
        assert wrong.partition("=")[2] in said
        assert len(said.strip().splitlines()) == 1
    assert not workshop.folders()


def test_where_the_poses_end_makes_a_difference_of_its_own(workshop: Workshop, tmp_path: Path):
    pictures = [draw_people([SOMEBODY.moved(6 * index)]) for index in range(5)]
    video = write_video(tmp_path / "short.mp4", pictures)
    seen = set()
    for end in ("hold", "loop", "black"):
        record = workshop.perform("num_clip=1", "pose=video", f"pose.path={video}", f"pose.end={end}").record
        assert record.prepared["pose"]["facts"]["end"] == end
        assert record.frames is not None
        seen.add(record.frames["sha256"])
    assert len(seen) == 3
