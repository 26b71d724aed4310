"""Runs are measured while they are made, and the same is measured however they came about."""

import signal
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from safetensors.numpy import load_file

from s2v_runner.config.compose import compose_run
from s2v_runner.measurement import NoMeter, crop_to_output, open_meter
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Reading
from s2v_runner.prepare import PreparedRun, prepare_run
from s2v_runner.sampling.states import LATENTS
from s2v_runner.tracking.record import Record
from tests.runs import Workshop

CLIPS = 2
TWO_CLIPS = f"num_clip={CLIPS}"


def nothing() -> None:
    pass


def prepare(workshop: Workshop, *more: str) -> PreparedRun:
    return prepare_run(compose_run([*workshop.settings, *more]).config)


def read_frames(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def measure(run: PreparedRun, frames: np.ndarray) -> Reading:
    meter = open_meter(run, torch.device("cpu"))
    meter.take(frames, [True] * len(frames))
    return meter.read()


def value_in(record: Record, key: str) -> Any:
    return record.measures[key]["value"]


def test_a_run_has_its_measures_in_its_record(workshop: Workshop):
    finished = workshop.perform(TWO_CLIPS, "output=lossless")
    record = finished.record
    assert list(record.measures) == [metric.key for metric in VIDEO_METRICS]
    assert all((entry["value"] is None) != (entry["reason"] is None) for entry in record.measures.values())
    assert (
        record.measures["mouth_r"]["reason"] == "no face is found; metrics.face=left,top,width,height says where it is"
    )
    assert record.measures["sync_c"]["reason"] == "metrics.syncnet is not given"
    assert record.frames is not None
    assert value_in(record, "sound_excess") == 1 - record.frames["count"] / 16
    assert value_in(record, "exposure") > 0
    assert {key: len(values) for key, values in record.clip_measures.items()} == {
        "picture_ssim": CLIPS,
        "colour_drift": CLIPS,
    }
    assert record.attempts[0].stages["measure"] > 0
    assert record.warnings == ()
    # What is measured are the frames as they were made.
    again = measure(prepare(workshop, TWO_CLIPS), read_frames(finished.folder / record.files["frames"]))
    assert {key: each.value for key, each in again.measures.items()} == {
        key: value_in(record, key) for key in record.measures
    }
    assert {key: list(values) for key, values in again.clips.items()} == record.clip_measures


def test_a_run_that_is_taken_up_has_the_measures_of_one_that_never_stopped(workshop: Workshop):
    whole = workshop.perform(TWO_CLIPS, "resume=force")
    child = workshop.in_child(nothing, TWO_CLIPS)
    child.lines_until("clip 1 of 2")
    child.kill(signal.SIGKILL)
    child.wait()
    again = workshop.perform(TWO_CLIPS)
    assert [attempt.status for attempt in again.record.attempts] == ["KILLED", "FINISHED"]
    assert again.record.measures == whole.record.measures
    assert again.record.clip_measures == whole.record.clip_measures
    latents = [
        [load_file(path)[LATENTS] for path in sorted((folder / "latents").iterdir())]
        for folder in (whole.folder, again.folder)
    ]
    assert [len(clips) for clips in latents] == [CLIPS, CLIPS]
    for one, other in zip(*latents, strict=True):
        assert one.dtype == np.float16
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, other)


def test_nothing_is_measured_and_no_latents_are_kept_where_that_is_not_wanted(workshop: Workshop):
    finished = workshop.perform("num_clip=1", "metrics=none", "output.latents=false")
    assert finished.record.measures == finished.record.clip_measures == {}
    assert finished.record.status == "FINISHED"
    assert "latents" not in finished.record.files
    assert not (finished.folder / "latents").exists()
    assert isinstance(open_meter(prepare(workshop, "metrics=none"), torch.device("cpu")), NoMeter)


def test_a_video_that_is_cut_from_a_larger_one_is_measured_as_it_is(workshop: Workshop):
    finished = workshop.perform("num_clip=1", "size=100*50", "resolution.fit=exact", "metrics.mouth=0.4,0.6,0.2,0.2")
    (warning,) = finished.record.warnings
    assert "is cut away (43 rows cut)" in warning
    assert value_in(finished.record, "picture_ssim") is not None
    assert finished.record.measures["mouth_r"]["reason"] == "it has 5 frames, and 32 are needed"


def test_the_picture_is_cut_as_the_frames_are(workshop: Workshop):
    plan = prepare(workshop, "size=100*50", "resolution.fit=exact").plan
    frames = np.random.default_rng(0).integers(0, 256, (2, plan.height, plan.width, 3), np.uint8)
    assert crop_to_output(frames, plan).shape == (2, 50, 100, 3)
    top, left = (plan.height - 50) // 2, (plan.width - 100) // 2
    np.testing.assert_array_equal(crop_to_output(frames, plan)[1, 0, 0], frames[1, top, left])


def test_a_face_is_where_it_is_said_to_be(workshop: Workshop):
    frames = np.random.default_rng(0).integers(0, 256, (32, 64, 64, 3), np.uint8)
    mouth = measure(prepare(workshop, "metrics.face=0.2,0.2,0.5,0.5"), frames).measures["mouth_r"]
    assert mouth.value is not None
