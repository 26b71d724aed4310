import pytest

from s2v_runner.plan import feature_indices, reference_clip_count
from tests.parity.recordings import read_json

CASES = read_json("audio_index.json")
FPS = 16


@pytest.mark.parametrize("index", range(len(CASES)))
def test_feature_of_each_video_frame(index: int):
    recorded = CASES[index]
    clips = reference_clip_count(recorded["feature_frames"], recorded["infer_frames"], FPS)
    assert clips == recorded["num_clips"]
    indices = feature_indices(clips * recorded["infer_frames"], FPS)
    taken = [place + 1 if place < recorded["feature_frames"] else 0 for place in indices]
    assert taken == recorded["source_frame_plus_one"]
