"""What is said is varied, about as long as asked for, and the held-out sentences are other ones."""

import re

import numpy as np

from demo.world.mouth import follow_phonemes
from demo.world.sentences import (
    HELD_OUT_SENTENCES,
    HELD_OUT_VOICES,
    TRAINING_VOICES,
    draw_sentences,
    draw_voice,
)
from demo.world.speech import Line, Voice, speak_all

WORD = re.compile(r"[a-z']+")


def words_of(texts: list[str] | tuple[str, ...]) -> set[str]:
    return set(WORD.findall(" ".join(texts).lower()))


def drawn(count: int) -> list[str]:
    rng = np.random.default_rng(7)
    return [draw_sentences(rng, seconds=6) for _ in range(count)]


def test_what_is_drawn_depends_on_the_seed_alone_and_varies():
    texts = drawn(200)
    assert texts == drawn(200)
    assert len(set(texts)) > 195
    assert len(words_of(texts)) > 350
    for text in texts:
        assert text[0].isupper()
        assert text[-1] in ".?!"
        assert not set("{}|") & set(text)
        assert not re.search(r"\ba [aeio]|\s\s", text)


def test_it_takes_about_as_long_as_asked_for():
    rng = np.random.default_rng(0)
    voice = Voice("en-us", 150, 50)
    for seconds in (3, 8):
        lines = [Line(draw_sentences(rng, seconds), voice) for _ in range(12)]
        taken = [len(utterance.samples) / utterance.rate for utterance in speak_all(lines, processes=2)]
        assert 0.85 * seconds < np.mean(taken) < 1.15 * seconds
        assert max(taken) < 1.5 * seconds


def test_phonemes_are_well_covered():
    rng = np.random.default_rng(1)
    lines = [Line(text, draw_voice(rng, TRAINING_VOICES)) for text in drawn(60)]
    symbols = [sound.symbol for utterance in speak_all(lines, processes=2) for sound in utterance.phonemes]
    letters = "".join(symbols)
    for letter in "pbmfvwiɪeɛæaɑʌəɔoʊuhjlɹnŋtdkɡszʃʒθð":
        assert letters.count(letter) >= 4, letter
    assert sum(letters.count(lip) for lip in "pbmfvw") > 0.15 * len(symbols)


def test_held_out_sentences_are_other_ones():
    assert len(set(HELD_OUT_SENTENCES)) == 40
    trained = drawn(2000)
    held_out = words_of(HELD_OUT_SENTENCES)
    assert len(held_out & words_of(trained)) < len(held_out) / 3
    said = {sentence for text in trained for sentence in re.split(r"(?<=[.?!]) ", text)}
    assert not said & set(HELD_OUT_SENTENCES)


def test_every_voice_is_there_and_can_be_followed_by_a_mouth():
    assert not set(TRAINING_VOICES) & set(HELD_OUT_VOICES)
    assert not {name.split("+")[1] for name in TRAINING_VOICES} & {name.split("+")[1] for name in HELD_OUT_VOICES}
    names = [*TRAINING_VOICES, *HELD_OUT_VOICES]
    sentences = [HELD_OUT_SENTENCES[index % 40] for index in range(len(names))]
    lines = [Line(text, Voice(name, 210, 50)) for text, name in zip(sentences, names, strict=True)]
    for utterance in speak_all(lines, processes=2):
        assert follow_phonemes(utterance.phonemes, frames=32, fps=16).opening_V.max() > 0.3


def test_variants_change_the_voice():
    lines = [Line("Ah.", Voice(name, 150, 50)) for name in ("en", "en+m6", "en+steph2", "en+belinda", "en+robert")]
    assert len({utterance.samples.tobytes() for utterance in speak_all(lines, processes=2)}) == len(lines)


def test_voices_are_drawn_from_the_names_given():
    rng = np.random.default_rng(0)
    voices = [draw_voice(rng, HELD_OUT_VOICES) for _ in range(500)]
    assert {voice.name for voice in voices} == set(HELD_OUT_VOICES)
    rates, pitches = [voice.words_a_minute for voice in voices], [voice.pitch for voice in voices]
    assert 110 <= min(rates) < 115
    assert 205 < max(rates) <= 210
    assert 20 <= min(pitches) < 25
    assert 80 < max(pitches) <= 85
