"""Of a mouth whose face is found only some way into the video."""

import numpy as np

from s2v_runner.metrics.mouth import measure_mouth

_FPS, _RATE, _FRAMES, _LATE = 16, 16000, 77, 30


def test_what_was_before_the_face_was_found_changes_nothing():
    rng = np.random.default_rng(0)
    # A hum whose strength is another in every frame.
    strengths = rng.uniform(0.01, 1, _FRAMES)
    times = np.arange(_FRAMES * _RATE // _FPS)
    samples = (np.interp(times * _FPS / _RATE, np.arange(_FRAMES), strengths) * np.sin(times)).astype(np.float32)
    openness = strengths**0.6
    openness[:_LATE] = np.nan
    measures = measure_mouth(openness, samples, _RATE, _FPS)
    r, lag = measures["mouth_r"].value, measures["mouth_lag"].value
    assert r is not None
    assert r > 0.95
    assert lag == 0


def test_a_face_that_comes_too_late_says_how_many_frames_show_it():
    openness = np.full(_FRAMES, np.nan)
    openness[50:] = 1.0
    measures = measure_mouth(openness, np.ones(_FRAMES * 1000, np.float32), _RATE, _FPS)
    assert {one.reason for one in measures.values()} == {"it has 27 frames with a face, and 32 are needed"}
