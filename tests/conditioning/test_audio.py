from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor

from s2v_runner.conditioning.audio import encode_speech, normalise, pick_frames, silent_level
from s2v_runner.engine import Engine
from s2v_runner.inputs.audio import read_sound
from s2v_runner.plan import plan_run
from s2v_runner.records import FIXED, REFERENCE, Compat, Request, Sound

RATE = 16000
FPS = 16


def hear(engine: Engine, request: Request, samples: np.ndarray, compat: Compat) -> torch.Tensor:
    """Features of the frames of the finished video, [J, C, V]."""
    plan = plan_run(request, (80, 96), len(samples), RATE)
    features = encode_speech(engine.audio_encoder, engine.extractor, Sound(samples, RATE), plan, FPS, compat)
    return features[0, ..., plan.lead_frames : plan.lead_frames + plan.num_frames]


def frames_that_hear_a_click(engine: Engine, request: Request) -> torch.Tensor:
    """How much each frame's features change with a click of 40 ms at 1.000 s, [V].

    The click is taken from 2.500 s and what it displaces put there, so that the recording stays as loud as it was
    and only its order changes; frames from 2 s on are left out. The first entry is what the encoder's layers are
    given: it knows only the neighbourhood of a sound, where the others have looked everywhere.
    """
    without = np.random.default_rng(0).normal(0, 0.01, 3 * RATE).astype(np.float32)
    here, there = slice(RATE, RATE + 640), slice(5 * RATE // 2, 5 * RATE // 2 + 640)
    without[there] = np.random.default_rng(1).normal(0, 0.5, 640)
    clicked = without.copy()
    clicked[here], clicked[there] = without[there], without[here]
    change = hear(engine, request, clicked, request.compat) - hear(engine, request, without, request.compat)
    return change[0].norm(dim=0)[: 2 * FPS]


# The original hears it three frames early: its picture leads by 187.5 ms.
@pytest.mark.parametrize(("compat", "frame"), [(FIXED, 16), (REFERENCE, 13)], ids=["fixed", "reference"])
@pytest.mark.parametrize("infer_frames", [8, 48])
def test_a_click_at_one_second_reaches_its_frame(
    tiny_engine: Engine, request_for: Callable[..., Request], compat: Compat, frame: int, infer_frames: int
):
    heard = frames_that_hear_a_click(tiny_engine, request_for(infer_frames=infer_frames, compat=compat))
    assert int(heard.argmax()) == frame
    assert heard[: frame - 4].max() < 1e-3 * heard.max()
    assert heard[frame + 5 :].max() < 1e-3 * heard.max()


@pytest.mark.parametrize("compat", [FIXED, REFERENCE], ids=["fixed", "reference"])
def test_a_video_that_starts_from_the_picture_hears_it_in_time_either_way(
    tiny_engine: Engine, request_for: Callable[..., Request], compat: Compat
):
    heard = frames_that_hear_a_click(tiny_engine, request_for(start_from_ref=True, compat=compat))
    assert int(heard.argmax()) == 16


def test_past_the_end_there_is_silence_or_in_the_reference_nothing(
    tiny_engine: Engine, request_for: Callable[..., Request], speech_file: Path
):
    sound = read_sound(speech_file)
    for compat, is_nothing in ((FIXED, False), (REFERENCE, True)):
        plan = plan_run(request_for(infer_frames=48, compat=compat), (80, 96), len(sound.samples), RATE)
        features = encode_speech(tiny_engine.audio_encoder, tiny_engine.extractor, sound, plan, FPS, compat)
        assert features.shape[-1] == plan.made_frames == 48
        assert bool((features[..., -1] == 0).all()) is is_nothing


def test_speech_is_as_loud_however_long_the_silence_after_it(tiny_engine: Engine, speech_file: Path):
    sound = read_sound(speech_file)
    extractor = tiny_engine.extractor
    prepared = normalise(sound, extractor)
    assert prepared.mean() == pytest.approx(0, abs=1e-4)
    assert prepared.std() == pytest.approx(1, abs=1e-3)
    # The silent level is where the extractor's own line takes a sample of zero.
    slope = (prepared[1] - prepared[0]) / (sound.samples[1] - sound.samples[0])
    assert silent_level(sound, extractor) == pytest.approx(prepared[0] - slope * sound.samples[0], abs=1e-4)
    plain = Wav2Vec2FeatureExtractor(do_normalize=False)
    assert silent_level(sound, plain) == 0


def test_frames_past_the_features_are_zero():
    features = torch.ones(2, 4, 3)
    picked = pick_frames(features, 6, FPS)
    assert picked.shape == (1, 2, 3, 6)
    # Frames 0, 1, 2 hear features 0, 2, 4, of which there are four.
    assert picked[0, 0, 0].tolist() == [1, 1, 0, 0, 0, 0]
