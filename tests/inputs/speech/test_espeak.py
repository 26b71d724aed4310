from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.espeak import EspeakSynthesiser
from tests.inputs.speech.espeaking import LONG, SETTINGS, loudness, speak


def test_speech_is_written_and_told_of(tmp_path: Path):
    samples, report = speak(tmp_path / "speech.wav")
    seconds = len(samples) / 22050
    assert 1 < seconds < 3
    assert loudness(samples) > 500
    assert report.facts == {
        "engine": "espeak-ng",
        "engine_version": "1.52.0",
        "voice": "en-us",
        "language": "en-us",
        "words_a_minute": 175,
        "sample_rate": 22050,
        "seconds": seconds,
        "seed": 1,
    }
    assert report.words == f"espeak-ng 1.52.0, en-us, 22,050 Hz, {seconds:.2f} s"
    assert report.warnings == ()
    assert list(tmp_path.iterdir()) == [tmp_path / "speech.wav"]


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Good morning.", "en-us"),
        ("大家早上好", "cmn"),
        ("おはようございます", "ja"),
        ("좋은 아침입니다", "ko"),
        ("Доброе утро", "ru"),
        ("Καλημέρα", "el"),
        ("صباح الخير", "ar"),
        ("בוקר טוב", "he"),
        ("सुप्रभात", "hi"),
        ("สวัสดีตอนเช้า", "th"),
    ],
)
def test_a_text_is_spoken_by_the_voice_of_its_script(tmp_path: Path, text: str, voice: str):
    samples, report = speak(tmp_path / "speech.wav", text=text)
    assert report.facts["voice"] == voice
    assert len(samples) > 22050 * 0.3
    assert loudness(samples) > 500


@pytest.mark.parametrize(
    "text",
    ["It costs 1,234.50.", "one\ntwo\r\n\r\nthree", "Hi 😀!", "“Quotes” and ‘others’", "AT&T", "x " * 400, "7 " * 50],
)
def test_all_kinds_of_text_are_spoken(tmp_path: Path, text: str):
    samples, _ = speak(tmp_path / "speech.wav", text=text)
    assert loudness(samples) > 300


@pytest.mark.parametrize(
    ("text", "other"),
    [("<b>bold</b>", "bold"), ("[[h@l'oU]]", "hello"), ("<break time='2s'/>one", "one"), ("&lt;b", "<b")],
)
def test_markup_is_text(tmp_path: Path, text: str, other: str):
    spoken, _ = speak(tmp_path / "speech.wav", text=text)
    interpreted, _ = speak(tmp_path / "other.wav", text=other)
    assert not np.array_equal(spoken, interpreted)
    assert len(spoken) > len(interpreted)


@pytest.mark.parametrize("voice", ["auto", "auto+whisper", "auto+f3"])
def test_the_same_text_is_the_same_samples_whatever_is_said_before_or_meanwhile(tmp_path: Path, voice: str):
    first, _ = speak(tmp_path / "first.wav", voice=voice)
    speak(tmp_path / "between.wav", text="大家早上好", speed=2.0)

    def again(number: int) -> np.ndarray:
        return speak(tmp_path / f"{number}.wav", voice=voice)[0]

    with ThreadPoolExecutor(3) as pool:
        others = list(pool.map(again, range(6)))
    assert all(np.array_equal(first, other) for other in others)


def test_the_seed_is_that_of_the_breath(tmp_path: Path):
    def whisper(seed: int) -> np.ndarray:
        return speak(tmp_path / "speech.wav", voice="auto+whisper", seed=seed)[0]

    one, two, negative = whisper(1), whisper(2), whisper(-1)
    assert not np.array_equal(one, two)
    assert np.array_equal(negative, whisper((1 << 32) - 1))


def test_speed_is_in_ordinary_speeds(tmp_path: Path):
    ordinary, _ = speak(tmp_path / "speech.wav", text="It rained all night and all day")
    fast, report = speak(tmp_path / "speech.wav", text="It rained all night and all day", speed=1.5)
    assert report.facts["words_a_minute"] == 262
    assert len(fast) / len(ordinary) == pytest.approx(1 / 1.5, abs=0.1)


def test_a_long_text_is_spoken_to_its_end(tmp_path: Path):
    samples, report = speak(tmp_path / "speech.wav", text=LONG)
    estimate = EspeakSynthesiser(replace(SETTINGS, text=LONG)).estimate_seconds()
    assert len(samples) / 22050 == pytest.approx(estimate, rel=0.25)
    assert report.facts["seconds"] == len(samples) / 22050


def test_what_it_depends_on_is_described_alike_for_equal_speech():
    def describe(**changes: Any) -> dict[str, Any]:
        return dict(EspeakSynthesiser(replace(SETTINGS, **changes)).describe())

    described = describe()
    assert described == {
        "engine": "espeak-ng",
        "engine_version": "1.52.0",
        "text": "Good morning, everybody.",
        "voice": "gmw/en-US",
        "words_a_minute": 175,
        "seed": 1,
    }
    alike = {"text": " Good morning, everybody.\r\n", "language": "en_US", "voice": "EN-us", "speed": 1.001}
    assert describe(**alike, patience=1.0, weights=Path("elsewhere")) == described
    for change in ({"text": "Good morning."}, {"voice": "en-gb"}, {"speed": 1.2}, {"seed": 2}, {"language": "de"}):
        assert describe(**change) != described, change


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": ""}, r"tts\.text: it is empty"),
        ({"text": "a\0b"}, r"tts\.text: character 2 of 3 is U\+0000"),
        ({"speed": 0.4}, r"tts\.speed 0\.4: .* Give a number from 0\.46 to 2\.57"),
        ({"speed": 2.6}, r"tts\.speed 2\.6: .* Give a number from 0\.46 to 2\.57"),
        ({"speed": float("nan")}, r"tts\.speed nan: "),
        ({"voice": "en-uk"}, r"tts\.voice 'en-uk': espeak-ng has no such voice\. Did you mean 'en-us'"),
        ({"language": "xx"}, r"tts\.language 'xx': espeak-ng has no voice for it"),
        (
            {"prompt_audio": Path("voice.wav")},
            r"tts\.prompt_audio 'voice\.wav': espeak-ng has voices of its own .*tts=",
        ),
        ({"prompt_text": "What I said."}, r"tts\.prompt_text 'What I said\.': espeak-ng has voices of its own .*tts="),
        ({"text": "日本語を話します"}, r"knows no kanji: it would say 'Chinese letter' for 4 of the 8 letters"),
        ({"text": "Привет", "voice": "en-us"}, r"the voice en-us cannot read 6 of its 6 letters .*at auto"),
        ({"text": "សួស្តី"}, r"no voice for the language of its script, 'km'"),
        ({"text": "ᐃᓄᒃᑎᑐᑦ"}, r"cannot read 6 of its 6 letters and would spell .* Write them in letters that it reads"),
        ({"text": "Say 𝐇𝐞𝐥𝐥𝐨"}, r"cannot read 5 of its 8 letters and would spell"),
    ],
)
def test_what_cannot_be_spoken_is_refused_before_anything_is_written(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    synthesiser = EspeakSynthesiser(replace(SETTINGS, **changes))
    for act in (synthesiser.check, synthesiser.describe, lambda: synthesiser.synthesise(tmp_path / "speech.wav")):
        with pytest.raises(InputError, match=message) as refusal:
            act()
        assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("speed", [0.46, 2.57])
def test_the_ends_of_the_range_are_in_it(speed: float):
    EspeakSynthesiser(replace(SETTINGS, speed=speed)).check()


def test_a_foreign_name_is_spelt_and_warned_of(tmp_path: Path):
    text = "When they met in the winter he said привет to the whole of the family, and then he left again."
    _, report = speak(tmp_path / "speech.wav", text=text)
    assert report.warnings == ("the voice en-us cannot read 6 of the 73 letters of tts.text and spells them",)
