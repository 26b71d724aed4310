"""What was encoded before is not encoded again."""

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.conditioning.cache import NO_CACHE, Cache, ConditioningCache
from s2v_runner.conditioning.scope import scope_of
from s2v_runner.config.compose import compose_run
from s2v_runner.engine import Engine
from s2v_runner.generation import UNWATCHED, Watch, encode_inputs
from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.picture import read_picture
from s2v_runner.inputs.pose import read_pose
from s2v_runner.plan import plan_run
from s2v_runner.records import FIXED, Request
from s2v_runner.run import FinishedRun, Session, perform_run
from s2v_runner.sampling.clips import EncodedInputs
from s2v_runner.timing import Stopwatch
from tests.parity.recordings import GOLDEN
from tests.runs import Workshop

Make = Callable[..., Request]
Change = dict[str, Any] | Callable[[Request], dict[str, Any]]
ENCODING = {"load text encoder", "encode text", "load speech encoder", "encode speech", "encode picture", "encode pose"}
ENCODERS = {"text_encoder", "audio_encoder"}


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
    fresh = Engine(tiny_engine.settings, lambda *_: None, UNSHARDED)
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
