"""Whole generations on the tiny checkpoint."""

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from s2v_runner.conditioning.cache import NO_CACHE, Cache, ConditioningCache
from s2v_runner.conditioning.scope import scope_of
from s2v_runner.config.compose import compose_run
from s2v_runner.engine import Engine
from s2v_runner.errors import GenerationError, InputError
from s2v_runner.generation import UNWATCHED, Watch, encode_inputs, generate, negative_prompt
from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.picture import read_picture
from s2v_runner.inputs.pose import read_pose
from s2v_runner.passes import count_passes
from s2v_runner.plan import plan_run
from s2v_runner.records import EVERY_PASS, FIXED, REFERENCE, Request
from s2v_runner.run import FinishedRun, Session, perform_run
from s2v_runner.sampling.clips import ClipEnd, ClipState, EncodedInputs, Frames
from s2v_runner.sampling.states import read_state, write_state
from s2v_runner.timing import Stopwatch
from tests.conftest import CPU
from tests.parity.recordings import GOLDEN
from tests.runs import Workshop

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


OPENED_OTHERWISE = [
    ({"base_seed": 1, "steps": 9, "prompt": "A man", "infer_frames": 16, "num_clip": 1, "pose_video": None}, 0),
    ({"start_from_ref": False}, 0),
    ({"motion_frames": 5}, 1),
    ({"exact_size": (64, 128)}, 1),
]


@pytest.mark.parametrize(("change", "more"), OPENED_OTHERWISE)
def test_an_opening_is_encoded_once_for_a_picture(
    posed: Request, tiny_engine: Engine, cache: ConditioningCache, tmp_path: Path, change: dict, more: int
):
    opened = dataclasses.replace(posed, start_from_ref=True)
    first, stages = encode(opened, tiny_engine, cache)
    assert "encode opening" in stages
    again, stages = encode(opened, tiny_engine, cache)
    assert "encode opening" not in stages
    assert_same(first, again)
    changed = dataclasses.replace(opened, **change)
    inputs, stages = encode(changed, tiny_engine, cache)
    assert ("encode opening" in stages) == (more > 0)
    assert kinds_kept(tmp_path).count("opening") == 1 + more
    assert_same(inputs, encode(changed, tiny_engine, NO_CACHE)[0])


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


@pytest.fixture
def cache(tiny_engine: Engine, tmp_path: Path) -> ConditioningCache:
    return ConditioningCache(tmp_path / "conditioning", scope_of(tiny_engine.settings, "digest"))


@pytest.fixture
def posed(request_for: Make) -> Request:
    """A request that has something of every kind to encode, but for an opening."""
    return request_for(pose_video=GOLDEN / "pose.mp4", negative_prompt="blurry")


def encode(request: Request, engine: Engine, cache: Cache) -> tuple[EncodedInputs, set[str]]:
    """What a request is encoded to, and the stages that took."""
    picture, sound, stopwatch = read_picture(request.image, request.compat), read_sound(request.audio), Stopwatch()
    plan = plan_run(request, picture.size, len(sound.samples), sound.rate)
    poses = None
    if request.pose_video is not None:
        poses = read_pose(request.pose_video, plan.made_frames, plan.lead_silence, request.sample_fps, request.compat)
    watch = Watch(stopwatch.stage, UNWATCHED.step)
    return encode_inputs(request, plan, picture, sound, poses, engine, watch, cache), set(stopwatch.seconds)


def tensors_of(inputs: EncodedInputs) -> list[torch.Tensor]:
    values = [value if isinstance(value, tuple) else (value,) for value in vars(inputs).values()]
    return [tensor for value in values for tensor in value if tensor is not None]


def assert_same(first: EncodedInputs, second: EncodedInputs) -> None:
    """To the bit, and lying in memory in the same order."""
    assert len(first.pose_clips) == len(second.pose_clips)
    for one, other in zip(tensors_of(first), tensors_of(second), strict=True):
        assert torch.equal(one, other)
        assert (one.dtype, one.device, one.stride()) == (other.dtype, other.device, other.stride())


def kinds_kept(cache_folder: Path) -> list[str]:
    return sorted(path.parent.name for path in cache_folder.rglob("*.safetensors"))


def test_what_was_encoded_before_is_read_and_no_encoder_loaded(
    posed: Request, tiny_engine: Engine, cache: ConditioningCache, tmp_path: Path
):
    plain, _ = encode(posed, tiny_engine, NO_CACHE)
    missed, stages = encode(posed, tiny_engine, cache)
    assert stages >= ENCODING
    assert kinds_kept(tmp_path) == ["picture", "pose", "speech", "text", "text"]
    fresh = Engine(tiny_engine.settings, lambda *_: None)
    hit, stages = encode(posed, fresh, cache)
    assert not stages & ENCODING
    assert "read conditioning" in stages
    assert not vars(fresh).keys() & ENCODERS
    assert_same(plain, missed)
    assert_same(missed, hit)


def test_a_prompt_that_was_encoded_serves_as_a_negative_one(
    request_for: Make, tiny_engine: Engine, cache: ConditioningCache, tmp_path: Path
):
    request = request_for(prompt="A man", negative_prompt="A man")
    inputs, _ = encode(request, tiny_engine, cache)
    assert torch.equal(inputs.text_BTC, inputs.negative_text_BTC)
    assert kinds_kept(tmp_path).count("text") == 1
    _, stages = encode(dataclasses.replace(request, prompt=" A  man"), tiny_engine, cache)
    assert not stages & ENCODING


def another_picture(request: Request) -> dict:
    with Image.open(request.image) as image:
        pixels = np.array(image)
    pixels[40:44, 40:44] ^= 255
    path = request.image.with_name("another.png")
    Image.fromarray(pixels).save(path)
    return {"image": path}


def another_sound(request: Request) -> dict:
    samples, rate = soundfile.read(request.audio, dtype="float32")
    samples[100] += 1e-3
    path = request.audio.with_name("another.wav")
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return {"audio": path}


def another_pose(request: Request) -> dict:
    assert request.pose_video is not None
    path = request.image.with_name("another.mp4")
    # A box that players skip: another content with the same frames.
    path.write_bytes(request.pose_video.read_bytes() + b"\0\0\0\x08free")
    return {"pose_video": path}


@pytest.mark.parametrize(
    ("change", "encoded"),
    [
        ({"prompt": "A man"}, ["text"]),
        ({"negative_prompt": None}, ["text"]),
        ({"prompt": "blurry"}, []),
        ({"infer_frames": 16}, ["pose", "speech"]),
        ({"num_clip": 1}, ["pose", "speech"]),
        ({"start_from_ref": True}, ["opening", "pose", "speech"]),
        ({"start_from_ref": True, "num_clip": 1}, ["opening", "pose", "speech"]),
        ({"sample_fps": 8}, ["pose", "speech"]),
        ({"exact_size": (64, 128)}, ["picture", "pose"]),
        ({"compat": dataclasses.replace(FIXED, tail="zeros")}, ["speech"]),
        ({"compat": dataclasses.replace(FIXED, alignment="decoded")}, ["pose", "speech"]),
        ({"compat": dataclasses.replace(FIXED, picture_fit="pad")}, ["picture", "pose"]),
        ({"compat": dataclasses.replace(FIXED, pose_end="black")}, ["pose"]),
        ({"compat": dataclasses.replace(FIXED, pose_border="grey")}, ["pose"]),
        ({"compat": dataclasses.replace(FIXED, pose_sampling="stride")}, ["pose"]),
        (another_picture, ["picture"]),
        (another_sound, ["speech"]),
        (another_pose, ["pose"]),
        ({"base_seed": 1, "steps": 9, "guide_scale": 3.0, "shift": 1.0, "solver": "unipc", "motion_frames": 5}, []),
    ],
)
def test_what_a_change_does_not_touch_is_not_encoded_again(
    posed: Request, tiny_engine: Engine, cache: ConditioningCache, tmp_path: Path, change: Change, encoded: list[str]
):
    encode(posed, tiny_engine, cache)
    before = kinds_kept(tmp_path)
    changed = dataclasses.replace(posed, **(change if isinstance(change, dict) else change(posed)))
    inputs, _ = encode(changed, tiny_engine, cache)
    assert kinds_kept(tmp_path) == sorted(before + encoded)
    assert_same(inputs, encode(changed, tiny_engine, NO_CACHE)[0])


def run_in_fresh_session(workshop: Workshop, *more: str) -> tuple[FinishedRun, Engine]:
    """A run as the first of a process, and the engine it used."""
    session = Session()
    finished = perform_run(compose_run([*workshop.settings, "num_clip=1", *more]), ("test",), session, None)
    return finished, vars(session.engines)["_engine"]


def test_a_second_run_makes_the_same_frames_and_loads_no_encoder(workshop: Workshop):
    first, engine = run_in_fresh_session(workshop)
    assert vars(engine).keys() >= ENCODERS
    second, engine = run_in_fresh_session(workshop)
    assert not vars(engine).keys() & ENCODERS
    assert second.record.frames == first.record.frames
    stages = second.record.attempts[-1].stages
    assert not stages.keys() & ENCODING
    assert stages["read conditioning"] < 1
    assert not workshop.strays()


def test_a_cache_that_cannot_be_written_costs_a_run_one_warning(workshop: Workshop):
    (workshop.outputs / "cache").mkdir(parents=True)
    (workshop.outputs / "cache" / "conditioning").touch()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        finished, _ = run_in_fresh_session(workshop)
    assert finished.record.status == "FINISHED"
    (warning,) = finished.record.warnings
    assert "the next one encodes its inputs anew" in warning
