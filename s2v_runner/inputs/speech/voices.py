"""The voices of espeak-ng: which there are, which one is meant, and what it can read."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.languages import AUTO, count_scripts, plain_code, tell_language
from s2v_runner.inputs.speech.settings import SpeechSettings

# Codes for which espeak-ng has another, or puts a voice first that most people would not.
_LANGUAGES = {"en": "en-us", "zh": "cmn", "zh-hk": "yue", "zh-mo": "yue", "chr": "chr-us-qaaa-x-west"}

# Words in these scripts every voice reads, or hands to another voice that does.
_READ_BY_ALL = {
    *("LATIN", "GREEK", "GEORGIAN", "HANGUL", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI"),
    *("TAMIL", "KANNADA", "MALAYALAM", "SINHALA"),
}
# Those of others are spelt ("Chinese letter, Chinese letter"), except by the voices of these languages.
_READERS = {
    "CJK": {"cmn", "yue"},
    "HIRAGANA": {"ja"},
    "KATAKANA": {"ja"},
    "CYRILLIC": {"ba", "be", "bg", "bs", "cv", "hr", "kk", "ky", "mk", "nog", "ru", "sr", "tt", "uk", "uz"},
    "ARABIC": {"ar", "fa", "sd", "ug", "ur"},
    "HEBREW": {"he"},
    "THAI": {"th"},
    "ARMENIAN": {"hy", "hyw"},
    "ETHIOPIC": {"am", "ti"},
    "TELUGU": {"te"},
    "ORIYA": {"or"},
    "MYANMAR": {"my", "shn"},
    "CHEROKEE": {"chr"},
    "SHAVIAN": {"en"},
}
_NEAR = 0.5
_SUGGESTIONS = 3
_EXAMPLE_CODES = "It has en-us, en-gb, de, fr, es, pt-br, ru, cmn, ja, ko, hi, ar and over a hundred more"
_EXAMPLE_VARIANTS = "It has f1 to f5, m1 to m8, klatt, croak, whisper and more"


@dataclass(frozen=True)
class Voice:
    """A voice, with its variant if it has one."""

    identifier: str
    """As espeak-ng finds it, such as `gmw/en-US+f3`."""
    name: str
    """As people call it, such as `en-us+f3`."""
    language: str


@dataclass(frozen=True)
class Catalogue:
    """What the library that is installed has."""

    version: str
    rate: int
    """Samples a second."""
    voices: Mapping[str, Voice]
    """By every name that they go by, in lower case."""
    languages: Mapping[str, Voice]
    """The voice that comes first for each code."""
    variants: Mapping[str, str]
    """The name that espeak-ng wants of each variant, by every name that it goes by, in lower case."""


def read_catalogue(told: Mapping[str, Any]) -> Catalogue:
    """The answer of `utterance.py` to what there is."""
    languages = _first_voices(told["voices"])
    voices: dict[str, Voice] = {}
    # What a voice is called goes before what its file is called, and both after the codes of languages.
    for name in (lambda listed: _stem(listed["identifier"]), lambda listed: listed["name"]):
        for listed in told["voices"]:
            voices.setdefault(name(listed).lower(), _voice(listed, languages))
    variants: dict[str, str] = {}
    for listed in told["variants"]:
        stem = _stem(listed["identifier"])
        variants |= {stem.lower(): stem, listed["name"].lower(): stem}
    named = {code: _voice(listed, languages) for code, listed in languages.items()}
    by_identifier = {voice.identifier.lower(): voice for voice in voices.values()}
    return Catalogue(told["version"], told["rate"], by_identifier | voices | named, named, variants)


def choose_voice(settings: SpeechSettings, text: str, catalogue: Catalogue) -> Voice:
    """The voice that is asked for; `auto` is the language's own, and either may have a variant: `auto+f3`.

    A language of `auto` is the voice's, or else the text's. Of a code such as `pt-ao` the part that is known is taken,
    `pt` (the lookup of RFC 4647). Raises InputError for unknown names, and for a voice of another language.
    """
    name, plus, variant = settings.voice.strip().partition("+")
    if name.lower() == AUTO:
        chosen = _of_language(settings.language, text, catalogue)
    else:
        chosen = _named(name, settings, catalogue)
        if settings.language != AUTO:
            _require_same_language(chosen, _of_language(settings.language, text, catalogue), settings)
    return _vary(chosen, variant, settings, catalogue) if plus else chosen


def count_spelt(text: str, voice: Voice) -> tuple[int, int]:
    """Of a text's letters, how many the voice would spell rather than read; and how many there are."""
    scripts = count_scripts(text)
    language = _base(voice.language)
    spelt = sum(
        count
        for script, count in scripts.items()
        if script not in _READ_BY_ALL and language not in _READERS.get(script, ())
    )
    return spelt, sum(scripts.values())


def _first_voices(voices: Sequence[Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """What is listed first for each language: by the priority it has there, and then the plainest."""
    ranked = [
        (priority, len(listed["identifier"]), listed["identifier"], code.lower(), listed)
        for listed in voices
        for priority, code in listed["languages"]
    ]
    first: dict[str, Mapping[str, Any]] = {}
    for *_, code, listed in sorted(ranked, key=lambda entry: entry[:4]):
        first.setdefault(code, listed)
    return first


def _voice(listed: Mapping[str, Any], first: Mapping[str, Mapping[str, Any]]) -> Voice:
    language = listed["languages"][0][1].lower()
    # A name that finds the voice again: its language's if it is the first of it, else its file's.
    name = language if first[language] is listed else _stem(listed["identifier"]).lower()
    return Voice(listed["identifier"], name, language)


def _stem(identifier: str) -> str:
    return identifier.rpartition("/")[2]


def _base(language: str) -> str:
    return language.partition("-")[0]


def _of_language(language: str, text: str, catalogue: Catalogue) -> Voice:
    code = plain_code(tell_language(text) if language == AUTO else language)
    wanted = code
    while wanted:
        voice = catalogue.languages.get(_LANGUAGES.get(wanted, wanted))
        if voice is not None:
            return voice
        wanted = wanted.rpartition("-")[0]
    if language == AUTO:
        remedy = f"{_EXAMPLE_CODES}, and tts.voice takes one in any case"
        raise InputError(
            f"tts.text {text[:20]!r}", f"espeak-ng has no voice for the language of its script, '{code}'", remedy
        )
    # People write `german` too.
    names = {name.partition(" (")[0]: _base(voice.language) for name, voice in catalogue.voices.items()}
    codes = {code: code for code in catalogue.languages}
    remedy = _suggest(code, names | codes, _EXAMPLE_CODES)
    raise InputError(f"tts.language {language!r}", "espeak-ng has no voice for it", remedy)


def _named(name: str, settings: SpeechSettings, catalogue: Catalogue) -> Voice:
    voice = catalogue.voices.get(name.lower())
    if voice is not None:
        return voice
    if name.lower() in catalogue.variants:
        problem, remedy = "it is a variant, which any voice can have", f"Write tts.voice='auto+{name}'"
    else:
        problem = "espeak-ng has no such voice"
        remedy = _suggest(name, {known: known for known in catalogue.voices}, _EXAMPLE_CODES)
    raise InputError(f"tts.voice {settings.voice!r}", problem, remedy)


def _require_same_language(voice: Voice, other: Voice, settings: SpeechSettings) -> None:
    if _base(voice.language) != _base(other.language):
        raise InputError(
            f"tts.voice {settings.voice!r}",
            f"it speaks {voice.language}, and tts.language is {settings.language!r}",
            "Set one of them to auto, and it follows the other",
        )


def _vary(voice: Voice, variant: str, settings: SpeechSettings, catalogue: Catalogue) -> Voice:
    known = catalogue.variants.get(variant.lower())
    if known is None:
        remedy = _suggest(variant, {name: name for name in catalogue.variants}, _EXAMPLE_VARIANTS)
        raise InputError(f"tts.voice {settings.voice!r}", f"espeak-ng has no variant {variant!r}", remedy)
    return replace(voice, identifier=f"{voice.identifier}+{known}", name=f"{voice.name}+{known.lower()}")


def _suggest(wrong: str, meant: Mapping[str, str], otherwise: str) -> str:
    """A sentence that names what is nearest, each as what is meant by it."""
    near = [wrong] if wrong in meant else difflib.get_close_matches(wrong.lower(), meant, n=_SUGGESTIONS, cutoff=_NEAR)
    names = dict.fromkeys(repr(meant[name]) for name in near)
    return f"Did you mean {' or '.join(names)}?" if names else otherwise
