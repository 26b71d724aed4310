"""Whole generations on the tiny checkpoint."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from s2v_runner.engine import Engine
from s2v_runner.errors import GenerationError, InputError
from s2v_runner.generation import UNWATCHED, Watch, generate, negative_prompt
from s2v_runner.records import REFERENCE, Request
from s2v_runner.sampling.clips import ClipEnd, ClipState, Frames
from s2v_runner.sampling.states import read_state, write_state
from tests.conftest import CPU

Make = Callable[..., Request]


def make_video(request: Request, engine: Engine, resume: ClipState | None = None) -> tuple[torch.Tensor, list[ClipEnd]]:
    frames, ends = [], []
    for part in generate(request, engine, UNWATCHED, resume):
        frames.append(part.video_BCVHW) if isinstance(part, Frames) else ends.append(part)
    return torch.cat(frames, dim=2), ends


def test_a_video_has_exactly_the_frames_of_its_speech(request_for: Make, tiny_engine: Engine):
    video, ends = make_video(request_for(), tiny_engine)
    assert video.shape == (1, 3, 16, 64, 64)
    assert [end.clip for end in ends] == [0, 1, 2]
    assert ends[-1].state is None


def test_frames_come_a_few_at_a_time(request_for: Make, tiny_engine: Engine):
    sizes = [
        part.video_BCVHW.shape[2]
        for part in generate(request_for(), tiny_engine, UNWATCHED, None)
        if isinstance(part, Frames)
    ]
    assert sum(sizes) == 16
    assert max(sizes) <= 4


@pytest.mark.parametrize("start_from_ref", [False, True])
def test_a_video_taken_up_after_a_clip_equals_the_uninterrupted_one(
    request_for: Make, tiny_engine: Engine, tmp_path: Path, start_from_ref: bool
):
    request = request_for(steps=2, guide_scale=3.0, solver="unipc", start_from_ref=start_from_ref)
    whole, ends = make_video(request, tiny_engine)
    assert ends[0].state is not None
    write_state(tmp_path / "state.safetensors", ends[0].state)
    resumed, _ = make_video(request, tiny_engine, read_state(tmp_path / "state.safetensors", CPU))
    made_before = 8 - (0 if start_from_ref else 3)
    assert torch.equal(resumed, whole[:, :, made_before:])
    assert [path.name for path in tmp_path.glob("*state*")] == ["state.safetensors"]


def test_the_same_request_makes_the_same_frames(request_for: Make, tiny_engine: Engine):
    request = request_for(num_clip=1, guide_scale=2.0)
    assert torch.equal(make_video(request, tiny_engine)[0], make_video(request, tiny_engine)[0])


@pytest.mark.parametrize(
    "change", [{"base_seed": 43}, {"prompt": "A man"}, {"guide_scale": 5.0}, {"shift": 8.0}, {"solver": "unipc"}]
)
def test_each_setting_changes_the_video(request_for: Make, tiny_engine: Engine, change: dict):
    settings = {"num_clip": 1, "guide_scale": 2.0, "steps": 2, "audio": request_for().audio}
    before, _ = make_video(request_for(**settings), tiny_engine)
    after, _ = make_video(request_for(**{**settings, **change}), tiny_engine)
    assert not torch.equal(before, after)


def test_progress_is_told_by_clip_and_step(request_for: Make, tiny_engine: Engine):
    told = []
    watch = Watch(UNWATCHED.stage, lambda *step: told.append(step))
    list(generate(request_for(steps=2), tiny_engine, watch, None))
    assert told == [(clip, step, 2) for clip in range(3) for step in (1, 2)]


def test_what_the_negative_prompt_means(request_for: Make):
    own = negative_prompt(request_for(negative_prompt=None))
    assert own.startswith("画面模糊")
    assert negative_prompt(request_for(negative_prompt="")) == ""
    assert negative_prompt(request_for(negative_prompt="", compat=REFERENCE)) == own
    assert negative_prompt(request_for(negative_prompt="blurry", compat=REFERENCE)) == "blurry"


def test_latents_that_stop_being_finite_end_the_run_and_name_the_step(request_for: Make, tiny_engine: Engine):
    with pytest.raises(GenerationError, match="step 1 of 3"):
        make_video(request_for(steps=3, guide_scale=1e39), tiny_engine)


def test_nothing_is_loaded_for_a_request_that_cannot_be(request_for: Make, tmp_path: Path, tiny_engine: Engine):
    engine = Engine(tiny_engine.settings, lambda *_: pytest.fail("a tensor was loaded"))
    changes = (
        {"image": tmp_path / "none.png"},
        {"audio": tmp_path / "none.wav"},
        {"pose_video": tmp_path / "none.mp4"},
        {"infer_frames": 7},
        {"solver": "ddim"},
        {"steps": 0},
        {"shift": -1.0},
    )
    for change in changes:
        with pytest.raises(InputError):
            make_video(request_for(**change), engine)
    with pytest.raises(InputError, match="resume"):
        make_video(request_for(), engine, ClipState(9, torch.zeros(1, 3, 73, 64, 64)))


def test_a_state_that_cannot_be_of_this_run_is_refused(request_for: Make, tiny_engine: Engine):
    for state in (ClipState(1, torch.zeros(1, 3, 73, 128, 64)), ClipState(4, torch.zeros(1, 3, 73, 64, 64))):
        with pytest.raises(InputError, match="this run has 3 clips"):
            make_video(request_for(), tiny_engine, state)


def test_a_device_that_is_not_there_is_refused(request_for: Make, tiny_engine: Engine):
    settings = dataclasses.replace(tiny_engine.settings, device=torch.device("cuda:99"))
    with pytest.raises(InputError, match="device 'cuda:99'"):
        make_video(request_for(), Engine(settings, lambda *_: None))


def test_a_state_that_is_none_is_refused(tmp_path: Path):
    (tmp_path / "state").write_text("nothing of the kind")
    for name in ("state", "absent"):
        with pytest.raises(InputError, match="Start the run anew"):
            read_state(tmp_path / name, CPU)
