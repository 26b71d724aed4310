import wave
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.espeak import EspeakSynthesiser
from s2v_runner.inputs.speech.languages import (
    LONGEST_TEXT,
    count_unknown,
    estimate_seconds,
    plain_code,
    spoken_text,
    tell_language,
)
from tests.inputs.speech.test_espeak import SETTINGS


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Good morning.", "en"),
        ("Größe und Übermut", "en"),
        ("Ｆｕｌｌ ｗｉｄｔｈ", "en"),
        ("我们今天去公园散步", "zh"),
        ("我喜欢用 Python 写程序", "zh"),
        ("He calls it 道 and nothing else.", "en"),
        ("日本語を話します", "ja"),
        ("テレビ", "ja"),
        ("ﾃﾚﾋﾞ", "ja"),
        ("这家商店叫做优の良品，在城市中心的大街上，卖各种各样的糖果", "zh"),
        ("안녕하세요", "ko"),
        ("Привет, мир", "ru"),
        ("Καλημέρα", "el"),
        ("مرحبا بالعالم", "ar"),
        ("שלום עולם", "he"),
        ("नमस्ते दुनिया", "hi"),
        ("สวัสดี", "th"),
        ("გამარჯობა", "ka"),
        ("Բարև", "hy"),
        ("வணக்கம்", "ta"),
        ("សួស្តី", "km"),
        ("42", "en"),
        ("", "en"),
        ("𝐀𝐁", "en"),
        ("ᐃᓄᒃᑎᑐᑦ", "en"),
        ("𐑣𐑩𐑤𐑴", "en"),
    ],
)
def test_the_language_is_told_from_the_script(text: str, language: str):
    assert tell_language(text) == language


@pytest.mark.parametrize(
    ("text", "unknown", "letters"),
    [
        ("Hello ᐃᓄ", 2, 7),
        ("Hello 𝐇𝐞", 2, 7),
        ("ꦲꦏꦫ", 3, 3),
        ("1ª or 2º in 5 µm, Hawaiʻi ʰ", 0, 11),
        ("日本語々ー", 0, 4),
        ("42", 0, 0),
    ],
)
def test_letters_of_scripts_that_are_not_known_are_counted(text: str, unknown: int, letters: int):
    assert count_unknown(text) == (unknown, letters)


def test_codes_are_looked_up_without_regard_to_case_or_dashes():
    assert plain_code(" pt_BR ") == "pt-br"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("  Hello.\n", "Hello."),
        ("one\r\ntwo\rthree\vfour\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("cafe\u0301", "café"),
        ("<b>“tags”</b> & 😀", "<b>“tags”</b> & 😀"),
    ],
)
def test_a_text_is_spoken_as_it_is_but_for_how_it_is_stored(text: str, spoken: str):
    assert spoken_text(text) == spoken


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty"),
        (" \n\t ", "it is empty"),
        ("... — !?", "no letter and no digit"),
        ("😀", "no letter and no digit"),
        ("x" * (LONGEST_TEXT + 1), "it has 20,001 characters"),
        ("one\0two", r"character 4 of 7 is U\+0000"),
        ("one \x01+9two", r"character 5 of 10 is U\+0001"),
        ("one\udcfftwo", r"character 4 of 7 is U\+DCFF"),
    ],
)
def test_what_cannot_be_spoken_is_refused(text: str, problem: str):
    with pytest.raises(InputError, match=problem) as refusal:
        spoken_text(text)
    assert refusal.value.subject.startswith("tts.text")
    assert "\n" not in str(refusal.value)
    str(refusal.value).encode()


def test_the_longest_text_is_not_refused():
    assert len(spoken_text("x" * LONGEST_TEXT)) == LONGEST_TEXT


# None of these was measured for the table of paces.
ORDINARY = [
    ("en", "It rained all night, and in the morning the whole garden was under water."),
    ("en", "In 1969 there were 12 of them; now there are 340, or so they say."),
    ("de", "Es regnete die ganze Nacht, und am Morgen stand der Garten unter Wasser."),
    ("fr", "Il a plu toute la nuit, et au matin le jardin était sous l'eau."),
    ("es", "Llovió toda la noche, y por la mañana el jardín estaba bajo el agua."),
    ("pl", "Padało całą noc, a rano cały ogród był pod wodą."),
    ("ru", "Всю ночь шёл дождь, и утром весь сад был под водой."),
    ("uk", "Усю ніч ішов дощ, і вранці весь сад був під водою."),
    ("el", "Έβρεχε όλη τη νύχτα, και το πρωί ο κήπος ήταν κάτω από το νερό."),
    ("ar", "أمطرت طوال الليل، وفي الصباح كانت الحديقة تحت الماء."),
    ("hi", "रात भर बारिश हुई, और सुबह पूरा बगीचा पानी के नीचे था।"),
    ("zh", "雨下了一整夜，早上整个花园都在水里。"),
    ("yue", "落咗成晚雨，朝早成個花園都浸咗水。"),
    ("ja", "ひとばんじゅうあめがふって、あさにはにわがみずのしたにあった。"),
    ("ko", "밤새 비가 내렸고, 아침에는 정원 전체가 물에 잠겼다."),
]


@pytest.mark.parametrize(("language", "text"), ORDINARY, ids=[f"{code}-{text[:8]}" for code, text in ORDINARY])
@pytest.mark.parametrize("speed", [1.0, 1.5])
def test_an_ordinary_sentence_lasts_about_as_long_as_estimated(tmp_path: Path, language: str, text: str, speed: float):
    synthesiser = EspeakSynthesiser(replace(SETTINGS, text=text, language=language, speed=speed))
    synthesiser.synthesise(tmp_path / "speech.wav")
    with wave.open(str(tmp_path / "speech.wav")) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    assert synthesiser.estimate_seconds() == pytest.approx(seconds, rel=0.25)


def test_pauses_are_counted_once_and_not_in_numbers_nor_at_the_end():
    plain = estimate_seconds("one two", "en", 1.0)
    assert estimate_seconds("one, two", "en", 1.0) > plain
    assert estimate_seconds("one... two", "en", 1.0) == estimate_seconds("one. two", "en", 1.0)
    assert estimate_seconds("one two!", "en", 1.0) == plain
    assert estimate_seconds("1.5", "en", 1.0) == estimate_seconds("15", "en", 1.0)


def test_twice_as_fast_is_half_as_long():
    text = "Good morning, everybody."
    assert estimate_seconds(text, "en", 2.0) == pytest.approx(estimate_seconds(text, "en", 1.0) / 2)


@pytest.mark.parametrize("text", ["a", "!", "½", "ᐃ", "Ⅷ"])
def test_nothing_is_estimated_shorter_than_a_letter(text: str):
    assert estimate_seconds(text, "en", 1.0) == pytest.approx(0.28)
    assert estimate_seconds(text, "en", 2.0) > 1 / 16
