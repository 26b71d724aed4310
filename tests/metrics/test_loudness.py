import numpy as np
import pytest

from s2v_runner.metrics.loudness import as_heard, find_voiced, follow_loudness
from tests.metrics.footage import FPS, RATE, speak


def tone(hertz: float, seconds: float = 2) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def test_loudness_is_that_of_vowels():
    middle = slice(4, 28)
    heard = {hertz: follow_loudness(tone(hertz), RATE, 32, FPS)[middle] for hertz in (100, 500, 2000, 6000)}
    assert heard[500] == pytest.approx(heard[2000], rel=0.01)
    for hertz in (100, 6000):
        assert heard[hertz].max() < 0.01 * heard[500].min()


def test_twice_the_sound_is_four_times_the_power_and_a_half_more_as_it_is_heard():
    once, twice = (follow_loudness(factor * tone(440), RATE, 32, FPS) for factor in (1, 2))
    np.testing.assert_allclose(twice, 4 * once)
    np.testing.assert_allclose(as_heard(twice), 4**0.3 * as_heard(once))


@pytest.mark.parametrize("fps", [16.0, 25.0, 30.0])
@pytest.mark.parametrize("frame", [0, 7, 30])
def test_a_sound_is_loudest_in_the_frame_that_it_is_heard_in(fps: float, frame: int):
    sound = np.zeros(3 * RATE)
    begin = round(frame / fps * RATE)
    sound[max(0, begin - 200) : begin + 200] = tone(1000)[: min(400, begin + 200)]
    power = follow_loudness(sound, RATE, 40, fps)
    assert power.argmax() == frame
    assert not power[: max(0, frame - 2)].any()
    assert not power[frame + 3 :].any()


def test_beyond_the_end_there_is_silence():
    power = follow_loudness(tone(500, seconds=1), RATE, 48, FPS)
    assert power[:16].all()
    assert not power[18:].any()
    assert follow_loudness(tone(500), RATE, 0, FPS).shape == (0,)


def test_a_long_recording_is_followed_as_its_beginning_is():
    sound, _ = speak(600)
    np.testing.assert_array_equal(follow_loudness(sound, RATE, 600, FPS)[:100], follow_loudness(sound, RATE, 100, FPS))


def test_frames_are_voiced_or_silent_or_in_between():
    sound, levels = speak(96, pauses=[slice(40, 60)])
    voiced, silent = find_voiced(follow_loudness(sound, RATE, 96, FPS))
    assert not (voiced & silent).any()
    assert set(range(42, 58)) <= set(np.flatnonzero(silent)) <= set(range(40, 60))
    assert voiced[levels > 0.6].all()


def test_nobody_speaks_in_silence():
    voiced, silent = find_voiced(follow_loudness(np.zeros(RATE), RATE, 16, FPS))
    assert not voiced.any()
    assert silent.all()
