"""Frames that are written beside the model: what a run says of itself is on disk by then."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from s2v_runner.delivery import Delivery
from s2v_runner.errors import GenerationError, OutputError
from s2v_runner.execution import _Teller
from s2v_runner.measurement import NoMeter
from s2v_runner.prepare import PreparedRun, prepare_run
from s2v_runner.sampling.clips import ClipEnd, ClipState, Frames
from s2v_runner.sampling.states import read_state
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.store import ClipStore
from s2v_runner.video.tee import FrameTee
from tests.conftest import CPU
from tests.runs import Workshop
from tests.settings import config_with


@pytest.fixture
def run(picture_file: Path, speech_file: Path) -> PreparedRun:
    """Three clips of 64 by 64."""
    settings = {
        "image": str(picture_file),
        "audio.path": str(speech_file),
        "resolution.size": "64*64",
        "infer_frames": 8,
    }
    return prepare_run(config_with(settings))


def frames(run: PreparedRun, clip: int, count: int) -> Frames:
    plan = run.plan
    drawn = torch.rand(1, 3, count, plan.height, plan.width, generator=torch.Generator().manual_seed(clip))
    return Frames(clip, drawn * 2 - 1)


def clip_end(run: PreparedRun, clip: int) -> ClipEnd:
    return ClipEnd(clip, torch.zeros(1, 16, 2, 8, 8), ClipState(clip + 1, torch.full((1, 3, 1, 8, 8), float(clip))))


def test_a_clip_is_told_once_its_frames_and_its_state_are_on_disk(run: PreparedRun, tmp_path: Path):
    plan, resume = run.plan, tmp_path / "resume"
    writer = LosslessWriter(path=tmp_path / "frames.mkv", fps=16, height=plan.output_height, width=plan.output_width)
    store, told = ClipStore(resume, plan.output_height, plan.output_width), []

    def tell() -> None:
        told.append((read_state(resume / "state.safetensors", CPU).next_clip, store.count(len(told))))

    tee = FrameTee([writer], plan.num_frames)
    delivery = Delivery(run, tmp_path, resume, tee, NoMeter())
    with delivery.at_work():
        for clip in range(2):
            for count in (3, 4):
                delivery.take_frames(frames(run, clip, count))
            delivery.take_clip_end(clip_end(run, clip), tell)
        delivery.finish()
    assert told == [(1, 7), (2, 7)]
    assert set(delivery.busy) == {"write video", "measure", "keep clips"}
    tee.discard()


def test_frames_come_out_of_a_replay_as_they_went_in(run: PreparedRun, tmp_path: Path):
    plan, resume = run.plan, tmp_path / "resume"
    hashes = []
    for name in ("first.mkv", "again.mkv"):
        writer = LosslessWriter(path=tmp_path / name, fps=16, height=plan.output_height, width=plan.output_width)
        tee = FrameTee([writer], 14)
        delivery = Delivery(run, tmp_path, resume, tee, NoMeter())
        with delivery.at_work():
            if hashes:
                delivery.replay(2)
            else:
                for clip in range(2):
                    delivery.take_frames(frames(run, clip, 7))
                    delivery.take_clip_end(clip_end(run, clip), lambda: None)
            delivery.finish()
        hashes.append(tee.close().sha256)
    assert hashes[0] == hashes[1]


def deliver_a_clip(run: PreparedRun, delivery: Delivery, told: list[int], end: Callable[[], None]) -> None:
    with delivery.at_work():
        delivery.take_frames(frames(run, 0, 7))
        delivery.take_clip_end(clip_end(run, 0), lambda: told.append(0))
        end()


def test_what_cannot_be_kept_ends_the_run_with_that_error(run: PreparedRun, tmp_path: Path):
    resume, told = tmp_path / "resume", []
    resume.touch()
    delivery = Delivery(run, tmp_path, resume, FrameTee([], 14), NoMeter())
    with pytest.raises(OutputError, match="resume"):
        deliver_a_clip(run, delivery, told, delivery.finish)
    assert told == []


class Stuck(NoMeter):
    """Takes frames once it may."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def take(self, frames: np.ndarray, finite: Sequence[bool]) -> None:
        assert self.gate.wait(20)


def test_a_clip_is_kept_whatever_the_encoder_is_at(run: PreparedRun, tmp_path: Path):
    meter, told = Stuck(), []
    delivery = Delivery(run, tmp_path, tmp_path / "resume", FrameTee([], 14), meter)

    def look_until_it_is_told() -> None:
        until = time.monotonic() + 20
        while not told and time.monotonic() < until:
            delivery.look()
        meter.gate.set()

    deliver_a_clip(run, delivery, told, look_until_it_is_told)
    assert told == [0]


def test_an_error_of_the_model_does_not_cost_the_clips_before_it(run: PreparedRun, tmp_path: Path):
    resume, told = tmp_path / "resume", []
    delivery = Delivery(run, tmp_path, resume, FrameTee([], 14), NoMeter())

    def fail() -> None:
        raise GenerationError("not finite")

    with pytest.raises(GenerationError):
        deliver_a_clip(run, delivery, told, fail)
    assert told == [0]
    assert read_state(resume / "state.safetensors", CPU).next_clip == 1


def test_a_run_tells_its_clips_in_order_each_once_it_can_be_taken_up_from(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
):
    told: list[tuple[int, int | None, set[str]]] = []
    tell = _Teller.clip

    def note(teller: _Teller, clip: int, seconds: Mapping[str, float]) -> None:
        (path,) = workshop.folders()
        state = path / "resume" / "state.safetensors"
        told.append((clip, read_state(state, CPU).next_clip, set(seconds)))
        tell(teller, clip, seconds)

    monkeypatch.setattr(_Teller, "clip", note)
    finished = workshop.perform("sampler.steps=1")
    assert [clip for clip, _, _ in told] == [0, 1, 2]
    # The last has no state of its own: nothing is taken up after it.
    assert all(next_clip > clip for clip, next_clip, _ in told[:-1] if next_clip is not None)
    assert all(seconds >= {"denoise", "decode", "write video"} for _, _, seconds in told)
    log = (finished.folder / "run.log").read_text()
    assert "clip 3 of 3" in log
    assert all(word in log.partition("beside that: ")[2] for word in ("keep clips", "write video", "measure"))
