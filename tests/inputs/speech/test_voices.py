import re
from dataclasses import replace

import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.espeak import EspeakSynthesiser
from s2v_runner.inputs.speech.voices import Voice, choose_voice, count_spelt, read_catalogue
from tests.inputs.speech.test_espeak import SETTINGS


def listed(identifier: str, name: str, *languages: tuple[int, str]) -> dict[str, object]:
    return {"identifier": identifier, "name": name, "languages": [list(language) for language in languages]}


# As espeak-ng tells it, in small.
CATALOGUE = read_catalogue(
    {
        "version": "1.52.0",
        "rate": 22050,
        "voices": [
            listed("sit/cmn", "Chinese (Mandarin, latin as English)", (5, "cmn"), (5, "zh-cmn"), (5, "zh")),
            listed("sit/cmn-Latn-pinyin", "Chinese (Mandarin, latin as Pinyin)", (5, "cmn-latn-pinyin"), (5, "zh")),
            listed("gmw/de", "German", (5, "de")),
            listed("gmw/en-029", "English (Caribbean)", (5, "en-029"), (10, "en")),
            listed("gmw/en", "English (Great Britain)", (2, "en-gb"), (2, "en")),
            listed("gmw/en-GB-scotland", "English (Scotland)", (5, "en-gb-scotland"), (3, "en-gb")),
            listed("gmw/en-US", "English (America)", (2, "en-us"), (3, "en")),
            listed("ko", "Korean", (5, "ko")),
            listed("gmq/nb", "Norwegian Bokmål", (5, "nb"), (5, "no")),
            listed("roa/pt", "Portuguese (Portugal)", (5, "pt"), (5, "pt-pt")),
            listed("roa/pt-BR", "Portuguese (Brazil)", (5, "pt-br"), (6, "pt")),
            listed("sit/yue", "Chinese (Cantonese)", (5, "yue"), (8, "zh")),
            listed("sit/yue-Latn-jyutping", "Chinese (Cantonese, latin as Jyutping)", (5, "yue"), (8, "zh")),
        ],
        "variants": [
            listed("!v/f3", "female3", (5, "variant")),
            listed("!v/Mr serious", "Mr_Serious", (5, "variant")),
        ],
    }
)


def choose(voice: str, language: str, text: str = "Good morning.") -> Voice:
    return choose_voice(replace(SETTINGS, voice=voice, language=language), text, CATALOGUE)


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "en-us"),
        ("en-gb", "en-gb"),
        ("en-AU", "en-us"),
        ("pt_BR", "pt-br"),
        ("pt-ao", "pt"),
        ("zh", "cmn"),
        ("zh-Hant-TW", "cmn"),
        ("zh-HK", "yue"),
        ("no", "nb"),
        ("ko", "ko"),
    ],
)
def test_a_language_has_its_voice(language: str, name: str):
    assert choose("auto", language).name == name


def test_a_language_of_auto_is_that_of_the_text():
    assert choose("auto", "auto").name == "en-us"
    assert choose("auto", "auto", "大家早上好").name == "cmn"
    assert choose("AUTO", "auto", "안녕하세요").name == "ko"


@pytest.mark.parametrize(
    ("voice", "identifier", "name"),
    [
        ("en", "gmw/en", "en-gb"),
        ("EN-us", "gmw/en-US", "en-us"),
        ("gmw/en-US", "gmw/en-US", "en-us"),
        ("English (Caribbean)", "gmw/en-029", "en-029"),
        ("german", "gmw/de", "de"),
        ("yue-latn-jyutping", "sit/yue-Latn-jyutping", "yue-latn-jyutping"),
        ("en-gb+F3", "gmw/en+f3", "en-gb+f3"),
        ("en-us+female3", "gmw/en-US+f3", "en-us+f3"),
        ("de+mr serious", "gmw/de+Mr serious", "de+mr serious"),
        ("auto+f3", "gmw/en-US+f3", "en-us+f3"),
    ],
)
def test_a_voice_is_found_by_each_of_its_names(voice: str, identifier: str, name: str):
    chosen = choose(voice, "auto")
    assert (chosen.identifier, chosen.name) == (identifier, name)


@pytest.mark.parametrize("name", sorted(CATALOGUE.voices))
def test_what_a_voice_is_called_finds_it_again(name: str):
    voice = CATALOGUE.voices[name]
    assert CATALOGUE.voices[voice.name] == voice


def test_a_voice_may_be_of_the_language_that_is_asked_for():
    assert choose("en-gb", "en-us").name == "en-gb"


@pytest.mark.parametrize(
    ("voice", "language", "message"),
    [
        ("xx", "auto", "tts.voice 'xx': espeak-ng has no such voice. It has en-us, en-gb, de"),
        ("en-uk", "auto", "tts.voice 'en-uk': espeak-ng has no such voice. Did you mean 'en-us' or 'en-gb'"),
        ("", "auto", "tts.voice '': espeak-ng has no such voice"),
        ("f3", "auto", "tts.voice 'f3': it is a variant, which any voice can have. Write tts.voice='auto+f3'"),
        ("en-us+f4", "auto", "tts.voice 'en-us+f4': espeak-ng has no variant 'f4'. Did you mean 'f3'?"),
        ("en-us+", "auto", "tts.voice 'en-us+': espeak-ng has no variant ''. It has f1 to f5"),
        ("en-us+../../x", "auto", "tts.voice 'en-us+../../x': espeak-ng has no variant '../../x'"),
        ("de\nde", "auto", "tts.voice 'de\\nde': espeak-ng has no such voice"),
        ("de", "ko", "tts.voice 'de': it speaks de, and tts.language is 'ko'. Set one of them to auto"),
        ("de", "xx", "tts.language 'xx': espeak-ng has no voice for it"),
        ("auto", "kr", "tts.language 'kr': espeak-ng has no voice for it. Did you mean 'ko'?"),
        ("auto", "english", "tts.language 'english': espeak-ng has no voice for it. Did you mean 'en'?"),
        ("auto", "xx", "tts.language 'xx': espeak-ng has no voice for it. It has en-us"),
        ("auto", "", "tts.language '': espeak-ng has no voice for it"),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_near(voice: str, language: str, message: str):
    with pytest.raises(InputError, match=re.escape(message)) as refusal:
        choose(voice, language)
    assert "\n" not in str(refusal.value)


def test_a_text_in_a_script_that_no_voice_has_is_refused():
    with pytest.raises(
        InputError, match=r"tts\.text 'สวัสดี': espeak-ng has no voice for the language of its script, 'th'"
    ):
        choose("auto", "auto", "สวัสดี")


@pytest.mark.parametrize(
    ("text", "language", "spelt", "letters"),
    [
        ("Good morning", "en-us", 0, 11),
        ("Привет", "ru", 0, 6),
        ("Привет", "en-us", 6, 6),
        ("大家好 Anna", "cmn", 0, 7),
        ("日本語を話す", "ja", 4, 6),
        ("にほんご", "cmn", 4, 4),
        ("नमस्ते 안녕", "de", 0, 6),
        ("สวัสดี", "en-us", 4, 4),
        ("សួស្តី", "en-us", 3, 3),
        ("ᐃᓄᒃᑎᑐᑦ Anna", "en-us", 6, 10),
        ("𝐇𝐞𝐥𝐥𝐨", "en-us", 5, 5),
        ("𐑣𐑩𐑤𐑴", "en-us", 0, 4),
        ("𐑣𐑩𐑤𐑴", "de", 4, 4),
        ("42", "en-us", 0, 0),
    ],
)
def test_letters_that_a_voice_would_spell_are_counted(text: str, language: str, spelt: int, letters: int):
    assert count_spelt(text, Voice("", "", language)) == (spelt, letters)


@pytest.mark.parametrize("language", ["af", "am", "bn", "cs", "da", "fa", "fi", "fr-ca", "he", "hu", "it", "vi", "yue"])
def test_the_library_that_is_installed_has_a_voice(language: str):
    EspeakSynthesiser(replace(SETTINGS, language=language)).check()
