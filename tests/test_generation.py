"""Whole generations on the tiny checkpoint."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.conditioning.cache import NO_CACHE
from s2v_runner.engine import Engine
from s2v_runner.errors import GenerationError, InputError
from s2v_runner.generation import UNWATCHED, Watch, generate, negative_prompt
from s2v_runner.passes import count_passes
from s2v_runner.plan import plan_run
from s2v_runner.records import EVERY_PASS, REFERENCE, Request
from s2v_runner.sampling.clips import ClipEnd, ClipState, Frames
from s2v_runner.sampling.states import read_state, write_state
from tests.conftest import CPU

Make = Callable[..., Request]
Change = dict[str, Any] | Callable[[Request], dict[str, Any]]
ENCODING = {"load text encoder", "encode text", "load speech encoder", "encode speech", "encode picture", "encode pose"}
ENCODERS = {"text_encoder", "audio_encoder"}


def make_video(request: Request, engine: Engine, resume: ClipState | None = None) -> tuple[torch.Tensor, list[ClipEnd]]:
    frames, ends = [], []
    for part in generate(request, engine, UNWATCHED, resume, NO_CACHE):
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
        for part in generate(request_for(), tiny_engine, UNWATCHED, None, NO_CACHE)
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


def test_a_saving_run_taken_up_after_a_clip_equals_the_uninterrupted_one(request_for: Make, tiny_engine: Engine):
    economy = dataclasses.replace(EVERY_PASS, step_share=0.75, guidance_every=2, guidance_to=0.95)
    request = request_for(steps=8, guide_scale=3.0, solver="unipc", economy=economy)
    whole, ends = make_video(request, tiny_engine)
    resumed, _ = make_video(request, tiny_engine, ends[0].state)
    assert torch.equal(resumed, whole[:, :, 5:])
    exact, _ = make_video(dataclasses.replace(request, economy=EVERY_PASS), tiny_engine)
    assert not torch.equal(exact, whole)


def test_no_more_passes_are_made_than_planned(request_for: Make, tiny_engine: Engine):
    economy = dataclasses.replace(EVERY_PASS, step_share=0.5, guidance_every=2)
    request = request_for(steps=8, guide_scale=3.0, solver="unipc", economy=economy, num_clip=2)
    calls, told = [], []
    handle = tiny_engine.transformer.register_forward_hook(lambda *_: calls.append(1))
    watch = Watch(UNWATCHED.stage, lambda *step: told.append(step))
    try:
        list(generate(request, tiny_engine, watch, None, NO_CACHE))
    finally:
        handle.remove()
    passes = plan_run(request, (80, 96), 16000, 16000).passes
    assert len(calls) == 2 * count_passes(passes) == 12
    assert told == [(clip, step, 4) for clip in range(2) for step in range(1, 5)]


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
    list(generate(request_for(steps=2), tiny_engine, watch, None, NO_CACHE))
    assert told == [(clip, step, 2) for clip in range(3) for step in (1, 2)]


@pytest.mark.parametrize("start_from_ref", [False, True])
def test_only_what_a_clip_continues_is_encoded(request_for: Make, tiny_engine: Engine, start_from_ref: bool):
    stages: list[str] = []

    @contextmanager
    def note(name: str) -> Iterator[None]:
        stages.append(name)
        yield

    request = request_for(start_from_ref=start_from_ref)
    ends = [
        part
        for part in generate(request, tiny_engine, Watch(note, UNWATCHED.step), None, NO_CACHE)
        if isinstance(part, ClipEnd)
    ]
    # The first clip continues the opening or nothing, and nothing continues the last.
    assert stages.count("encode motion") == len(ends) - 1 > 0
    assert stages.count("encode opening") == (1 if start_from_ref else 0)


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
    engine = Engine(tiny_engine.settings, lambda *_: pytest.fail("a tensor was loaded"), UNSHARDED)
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
        make_video(request_for(), Engine(settings, lambda *_: None, UNSHARDED))


def test_a_state_that_is_none_is_refused(tmp_path: Path):
    (tmp_path / "state").write_text("nothing of the kind")
    for name in ("state", "absent"):
        with pytest.raises(InputError, match="Start the run anew"):
            read_state(tmp_path / name, CPU)
