from collections.abc import Mapping

import numpy as np
import pytest

from s2v_runner.metrics.faces import FixedFace
from s2v_runner.metrics.measures import Measure
from s2v_runner.metrics.mouth import NO_FACE, SILENT, MouthGauge, look_at_mouth, measure_mouth, place_of_mouth
from s2v_runner.metrics.observer import shrink
from s2v_runner.metrics.views import Box
from tests.metrics.footage import FACE, FPS, RATE, draw_heads, plain, see, speak, value_of

FRAMES = 96
PAUSE = slice(40, 60)
SPEECH, LEVELS = speak(FRAMES, pauses=[PAUSE])
# How loud the tone is felt to be: its power, which is the square of its level, to the power of 0.3.
OPENNESS = LEVELS**0.6
KEYS = {"mouth_r", "mouth_lag", "mouth_motion", "mouth_stillness"}


def measure(openness: np.ndarray, samples: np.ndarray = SPEECH) -> Mapping[str, Measure]:
    """Of heads whose mouths are open so far."""
    place = place_of_mouth(FACE, (96, 96))
    seen = [look_at_mouth(frame[..., 0], place) for frame in draw_heads(openness)]
    return measure_mouth(np.array(seen), samples, RATE, FPS)


def test_a_mouth_that_opens_with_the_loudness_goes_with_it():
    measures = measure(OPENNESS)
    assert measures.keys() == KEYS
    assert value_of(measures, "mouth_r") > 0.95
    assert value_of(measures, "mouth_lag") == 0
    assert value_of(measures, "mouth_stillness") < 0.02


@pytest.mark.parametrize("lag", [-6, -2, -1, 1, 3, 8])
def test_a_lag_is_found_to_the_frame(lag: int):
    measures = measure(np.roll(OPENNESS, lag))
    assert value_of(measures, "mouth_lag") == lag
    assert value_of(measures, "mouth_r") < 0.9 * value_of(measure(OPENNESS), "mouth_r")


def test_a_mouth_that_closes_where_it_should_open_is_worse_than_any():
    assert value_of(measure(1 - OPENNESS), "mouth_r") < -0.9


def test_a_mouth_that_follows_nothing_has_no_lag():
    measures = measure(np.random.default_rng(5).uniform(0, 1, FRAMES))
    assert abs(value_of(measures, "mouth_r")) < 0.25
    assert "at no lag" in str(measures["mouth_lag"].reason)


def test_a_mouth_that_goes_on_in_silence_is_not_still():
    restless = OPENNESS.copy()
    restless[PAUSE] = np.random.default_rng(1).uniform(0, 1, PAUSE.stop - PAUSE.start)
    assert value_of(measure(restless), "mouth_stillness") > 0.7


def test_a_mouth_that_never_moves_goes_with_nothing():
    measures = measure(np.full(FRAMES, 0.5))
    assert value_of(measures, "mouth_r") == 0
    assert measures["mouth_lag"].value is None
    assert measures["mouth_stillness"].reason == "the mouth does not move at all"


def test_silence_says_that_it_is_silence():
    assert measure(OPENNESS, np.zeros_like(SPEECH)) == dict.fromkeys(KEYS, SILENT)


def test_speech_without_a_pause_has_no_stillness():
    speech, levels = speak(FRAMES)
    measures = measure(levels**0.6, speech)
    assert value_of(measures, "mouth_r") > 0.95
    assert measures["mouth_stillness"].reason == "there is no silence in the speech"


def test_a_short_video_says_how_many_frames_are_needed():
    measures = measure(OPENNESS[:31])
    assert {measure.reason for measure in measures.values()} == {"it has 31 frames, and 32 are needed"}
    assert measure(OPENNESS[:32])["mouth_r"].value is not None


def test_where_no_face_is_there_is_no_mouth():
    assert measure_mouth(np.full(FRAMES, np.nan), SPEECH, RATE, FPS) == dict.fromkeys(KEYS, NO_FACE)


def test_a_face_that_is_lost_for_some_frames_costs_little():
    seen = 20 * OPENNESS
    seen[[0, 1, 30, 31, FRAMES - 1]] = np.nan
    assert value_of(measure_mouth(seen, SPEECH, RATE, FPS), "mouth_r") > 0.9


def test_what_comes_before_the_face_is_left_out():
    seen = 20 * OPENNESS
    seen[:20] = np.nan
    assert value_of(measure_mouth(seen, SPEECH, RATE, FPS), "mouth_r") > 0.9
    seen[:70] = np.nan
    measures = measure_mouth(seen, SPEECH, RATE, FPS)
    assert {measure.reason for measure in measures.values()} == {"it has 26 frames with a face, and 32 are needed"}


def test_a_slow_change_of_light_is_no_opening():
    drifting = 20 * OPENNESS + np.linspace(0, 60, FRAMES)
    assert value_of(measure_mouth(drifting, SPEECH, RATE, FPS), "mouth_r") > 0.9


def test_a_mouth_that_is_said_to_be_elsewhere_is_looked_at_there():
    heads = draw_heads(OPENNESS)
    places = {"in the face": None, "there": place_of_mouth(FACE, (96, 96)), "elsewhere": Box(0, 0, 0.1, 0.1)}
    gauges = {name: MouthGauge(SPEECH, RATE, FPS, place) for name, place in places.items()}
    for view in see(heads, face=FixedFace(FACE)):
        for gauge in gauges.values():
            gauge.take(view)
    measures = {name: gauge.read() for name, gauge in gauges.items()}
    assert measures["in the face"] == measures["there"] == measure(OPENNESS)
    assert value_of(measures["elsewhere"], "mouth_r") == 0


def test_a_place_in_a_face_is_the_same_in_pixels_whatever_the_picture():
    square, wide = (
        place_of_mouth(Box(0.25, 0.25, 0.5, 0.5), (100, 100)),
        place_of_mouth(Box(0.375, 0.25, 0.25, 0.5), (100, 200)),
    )
    assert square.width * 100 == pytest.approx(wide.width * 200)
    assert square.height == pytest.approx(wide.height)
    assert square.top == pytest.approx(wide.top)
    assert 100 * square.left - 25 == pytest.approx(200 * wide.left - 75)


def test_skin_alone_is_no_open_mouth():
    assert look_at_mouth(plain(170)[..., 0], Box(0.2, 0.2, 0.6, 0.6)) == 0


@pytest.mark.parametrize("side", [48, 96, 200, 512])
def test_openness_does_not_depend_on_the_size(side: int):
    place = place_of_mouth(FACE, (side, side))
    heads = [frame[..., 0] for frame in draw_heads((0.5, 1), 768)]
    half, whole = (look_at_mouth(shrink(head, side), place) for head in heads)
    assert whole == pytest.approx(2 * half, rel=0.1)
    assert whole == pytest.approx(look_at_mouth(heads[1], place), rel=0.1)


@pytest.mark.parametrize("box", [Box(-0.2, -0.2, 0.5, 0.5), Box(0.9, 0.9, 0.4, 0.4), Box(1.5, 2, 1, 1)])
@pytest.mark.parametrize("side", [4, 64])
def test_a_mouth_beyond_the_border_is_looked_at_all_the_same(box: Box, side: int):
    frame = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    assert 0 <= look_at_mouth(frame, box) <= 255
