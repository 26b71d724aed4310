import pytest

from s2v_runner.conditioning.audio import encode_waveform, normalise, pick_frames
from s2v_runner.engine import Engine
from s2v_runner.inputs.audio import read_sound
from s2v_runner.plan import feature_frame_count, reference_clip_count
from tests.parity.recordings import GOLDEN, assert_agrees, case, read_json

FPS = 16


@pytest.mark.parametrize("key", sorted(read_json("audio.json")))
def test_speech(engine: Engine, key: str):
    recorded = case("audio", key)
    about = read_json("audio.json")[key]
    sound = read_sound(GOLDEN / about["file"])
    features = encode_waveform(engine.audio_encoder, normalise(sound, engine.extractor))
    assert feature_frame_count(len(sound.samples)) == features.shape[1]
    assert_agrees(features, recorded["features_30fps"], 1e-4)

    clips = reference_clip_count(features.shape[1], about["infer_frames"], FPS)
    assert clips == about["num_clips"]
    picked = pick_frames(features, clips * about["infer_frames"], FPS)
    assert_agrees(picked, recorded["model_input"], 1e-4)
