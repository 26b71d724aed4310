"""The mouth shows what is said, when it is said."""

import numpy as np
import pytest

from demo.world.mouth import closures, follow_phonemes
from demo.world.speech import Line, Phoneme, Voice, speak_all

FPS = 16


def sequence(*sounds: tuple[str, float]) -> list[Phoneme]:
    """Sounds after half a second of silence; an empty symbol is a pause."""
    phonemes, moment = [], 0.5
    for symbol, seconds in sounds:
        if symbol:
            phonemes.append(Phoneme(symbol, moment, moment + seconds))
        moment += seconds
    return phonemes


def shape(symbol: str) -> tuple[float, float, float]:
    """Opening, width and rounding in the middle of a long sound."""
    track = follow_phonemes(sequence((symbol, 0.5)), frames=24, fps=FPS)
    return float(track.opening_V[12]), float(track.width_V[12]), float(track.rounding_V[12])


def test_vowels_have_their_shapes():
    open_a, spread, rounded, half = shape("ɑː"), shape("iː"), shape("uː"), shape("ɛ")
    assert open_a[0] > 0.9 > half[0] > spread[0] > 0.2
    assert spread[1] > 0.9 > half[1] > open_a[1] > rounded[1]
    assert rounded[1] < 0.1
    assert rounded[2] > 0.9 > shape("ɔː")[2] > 0.5
    assert spread[2] == half[2] == open_a[2] == 0
    assert shape("m") == pytest.approx((0, 0.5, 0), abs=1e-6)
    lip_on_teeth = shape("v")
    assert 0 < lip_on_teeth[0] < 0.12
    assert lip_on_teeth[1] > 0.6


def test_a_diphthong_moves_from_one_vowel_to_the_other():
    track = follow_phonemes(sequence(("aʊ", 0.5)), frames=24, fps=FPS)
    assert track.opening_V[10] > 0.9 > 0.4 > track.opening_V[14]
    assert track.rounding_V[10] < 0.1 < 0.7 < track.rounding_V[14]


def test_a_mouth_that_says_nothing_rests():
    track = follow_phonemes([], frames=5, fps=FPS)
    assert track.opening_V.dtype == track.width_V.dtype == track.rounding_V.dtype == np.float32
    assert track.opening_V.tolist() == track.rounding_V.tolist() == [0] * 5
    assert track.width_V.tolist() == [0.5] * 5


def test_it_closes_in_long_pauses_and_stays_in_short_ones():
    for seconds, shut in ((0.05, False), (0.11, False), (0.15, True), (0.5, True)):
        track = follow_phonemes(sequence(("ɑː", 0.3), ("", seconds), ("ɑː", 0.3)), frames=1000, fps=500)
        middle = round((0.8 + seconds / 2) * 500)
        assert (track.opening_V[middle] < 0.05) == shut
        assert (track.opening_V[middle] > 0.9) != shut


def test_it_changes_within_a_frame_of_the_sound():
    track = follow_phonemes(sequence(("ɑː", 0.3), ("iː", 0.3)), frames=700, fps=500)
    assert track.opening_V[: int((0.5 - 1 / FPS) * 500)].max() < 0.01
    assert track.opening_V[int((0.5 + 1 / FPS) * 500) : int((0.8 - 1 / FPS) * 500)].min() > 0.98
    assert track.width_V[int((0.8 + 1 / FPS) * 500) : int((1.1 - 1 / FPS) * 500)].min() > 0.98
    assert np.abs(np.diff(track.opening_V)).max() < 0.05


def test_lips_meet_for_every_p_b_and_m_and_open_between():
    sounds = sequence(
        *[("m", 0.04), ("ɑː", 0.13), ("p", 0.08), ("iː", 0.12), ("b", 0.05), ("ɑː", 0.12), ("əm", 0.1)] * 3
    )
    frames = 60
    track, shut = follow_phonemes(sounds, frames, FPS), closures(sounds, frames, FPS)
    middles = [(sound.start + sound.end) / 2 for sound in sounds if sound.symbol in ("m", "p", "b")]
    assert set(np.flatnonzero(shut)) > {round(middle * FPS) for middle in middles}
    assert 10 <= shut.sum() <= 12
    assert shut.dtype == bool
    assert (track.opening_V[shut] <= 0.05).all()
    assert track.opening_V.max() > 0.9


def test_a_track_may_be_shorter_than_the_speech():
    sounds = sequence(("m", 0.2), ("ɑː", 0.3), ("m", 2.0))
    assert closures(sounds, 12, FPS).sum() == 1
    whole, part = (follow_phonemes(sounds, frames, FPS) for frames in (50, 12))
    assert np.array_equal(whole.opening_V[:12], part.opening_V)


def test_real_speech_moves_the_mouth_through_its_range():
    lines = [Line("Ooh, mama, papa, you and me! Bob may move a big open boat.", Voice("en-us", 150, 50))]
    utterance = speak_all(lines, processes=1)[0]
    track = follow_phonemes(utterance.phonemes, round(FPS * len(utterance.samples) / utterance.rate), FPS)
    for values in (track.opening_V, track.width_V, track.rounding_V):
        assert values.min() >= 0
        assert values.max() <= 1
    assert track.opening_V.min() == 0
    assert track.opening_V.max() > 0.9
    assert track.width_V.min() < 0.15
    assert track.width_V.max() > 0.9
    assert track.rounding_V.max() > 0.9
    assert np.abs(np.diff(track.opening_V)).mean() > 0.12


def test_marks_that_nobody_sees_are_passed_over():
    assert shape("n̩") == shape("n") == shape("n̪")
    assert shape("ʲ") == shape("j")


def test_an_unknown_symbol_is_an_error():
    with pytest.raises(ValueError, match="how a mouth makes 'q' of 'aq'"):
        follow_phonemes([Phoneme("aq", 0, 1)], frames=4, fps=FPS)
