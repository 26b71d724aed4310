"""What is told of the phonemes is where they are in the sound."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from demo.world.speech import Line, Utterance, Voice, at_16_khz, speak_all

TEXT = "pa pa pa, mama. oops. ah, ah, ah. Happy Emma may open a pop up."
VOICES = [
    Voice(name, words_a_minute, pitch)
    for name, words_a_minute, pitch in (
        ("en-us", 150, 50),
        ("en-us+f1", 110, 70),
        ("en-gb-x-rp+m3", 210, 30),
        ("en-gb-scotland+linda", 130, 80),
        ("en-029+max", 180, 20),
    )
]
TOLERANCE = 0.02
STEP = 0.002


@pytest.fixture(scope="module")
def spoken() -> list[Utterance]:
    return speak_all([Line(TEXT, voice) for voice in VOICES], processes=2)


def loudness(utterance: Utterance) -> np.ndarray:
    """Root mean squares of every 2 ms."""
    size = round(STEP * utterance.rate)
    samples = utterance.samples[: len(utterance.samples) // size * size].astype(np.float64)
    return np.sqrt((samples.reshape(-1, size) ** 2).mean(axis=1))


def seconds(step: int, utterance: Utterance) -> float:
    return step * round(STEP * utterance.rate) / utterance.rate


def silences(utterance: Utterance) -> list[tuple[float, float]]:
    """Start and end of all that is silent for 20 ms or more."""
    bounds = np.flatnonzero(np.diff(np.r_[False, loudness(utterance) < 60, False]))
    runs = [(seconds(start, utterance), seconds(end, utterance)) for start, end in bounds.reshape(-1, 2)]
    return [(start, end) for start, end in runs if end - start > 0.02]


def distance(moment: float, moments: list[float]) -> float:
    return min(abs(moment - other) for other in moments)


def test_pauses_are_where_it_is_silent(spoken: list[Utterance]):
    for utterance in spoken:
        pauses = [pair for pair in pairwise(utterance.phonemes) if pair[1].start - pair[0].end > 0.15]
        assert pauses
        starts, ends = ([silence[side] for silence in silences(utterance)] for side in (0, 1))
        for before, after in pauses:
            assert distance(before.end, starts) < TOLERANCE
            if after.symbol[0] not in "ptkb":
                assert distance(after.start, ends) < TOLERANCE


def test_a_p_starts_when_the_lips_shut_and_is_heard_when_they_open(spoken: list[Utterance]):
    for utterance in spoken:
        inside = [
            sound for before, sound in pairwise(utterance.phonemes) if sound.symbol == "p" and sound.start == before.end
        ]
        assert len(inside) >= 5
        for sound in inside:
            start, end = min(silences(utterance), key=lambda silence: abs(silence[0] - sound.start))
            assert abs(start - sound.start) < TOLERANCE
            assert sound.start < end < sound.end


def test_an_m_starts_when_the_sound_has_sunk_to_a_hum(spoken: list[Utterance]):
    for utterance in spoken:
        levels = np.convolve(loudness(utterance), np.ones(6) / 6, "same")
        errors = []
        for sound in utterance.phonemes:
            early, inside, middle = (
                sound.start - 0.08,
                0.7 * sound.start + 0.3 * sound.end,
                (sound.start + sound.end) / 2,
            )
            first, step, last = (int(moment / STEP) for moment in (early, inside, middle))
            hum = levels[step : last + 1].mean()
            # Where it is not much louder before, there is nothing to see.
            if sound.symbol == "m" and levels[first:step].max() > 3 * hum > 0:
                loud = np.flatnonzero(levels[:step] > 1.5 * hum)
                errors.append(seconds(int(loud[-1]) + 1, utterance) - sound.start)
        assert len(errors) >= 2
        assert np.abs(errors).max() < TOLERANCE


def test_phonemes_are_in_order_and_without_stress(spoken: list[Utterance]):
    for utterance in spoken:
        assert all(sound.start < sound.end for sound in utterance.phonemes)
        assert all(before.end <= after.start for before, after in pairwise(utterance.phonemes))
        assert utterance.phonemes[-1].end <= len(utterance.samples) / utterance.rate
        assert all(sound.symbol and not set(sound.symbol) & set("ˈˌ") for sound in utterance.phonemes)
    assert "".join(sound.symbol for sound in spoken[0].phonemes[:10]) == "pɑːpɑːpɑːmɑːmɐ"


def test_every_line_is_said_as_a_fresh_process_says_it_whatever_is_said_beside_it():
    lines = [Line(f"Number {number} is here.", VOICES[number % 2]) for number in range(5)]
    together = speak_all(lines, processes=2)
    assert [utterance.text for utterance in together] == [line.text for line in lines]
    alone = speak_all(lines[3:4], processes=4)[0]
    assert np.array_equal(alone.samples, together[3].samples)
    assert alone.phonemes == together[3].phonemes
    code = (
        "from demo.world.speech import *; import sys;"
        f"sys.stdout.buffer.write(speak({lines[3].text!r}, {lines[3].voice!r}).samples.tobytes())"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert said == alone.samples.tobytes()
    assert speak_all([], processes=2) == []


def test_a_voice_that_is_not_there_is_named():
    with pytest.raises(RuntimeError, match="no voice 'en-nowhere'"):
        speak_all([Line("Hello.", Voice("en-nowhere", 150, 50))], processes=1)


def test_resampling_keeps_the_length_and_what_a_lower_rate_can_hold():
    rate = 22050
    times = np.arange(rate) / rate
    low, high = (np.round(16384 * np.sin(2 * np.pi * pitch * times)).astype(np.int16) for pitch in (440, 9500))
    kept, gone = (at_16_khz(Utterance("", VOICES[0], samples, rate, ())) for samples in (low, high))
    assert kept.dtype == np.float32
    assert kept.shape == (16000,)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(kept - expected)[200:-200].max() < 0.01
    assert np.abs(gone)[200:-200].max() < 0.02
