"""What can be said of a text before anything speaks it: whether it can be spoken, in what language, and for how long.

A letter's script is the first word of its name in Unicode, such as CYRILLIC.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping

from s2v_runner.errors import InputError

LONGEST_TEXT = 20_000
"""Characters: some twenty minutes of English, an hour and a half of Chinese."""

AUTO = "auto"

# The language that a script is taken for. Where several are written in it, the one that most people read.
_LANGUAGES = {
    "LATIN": "en",
    "CJK": "zh",
    "BOPOMOFO": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "TIBETAN": "bo",
    "MYANMAR": "my",
    "KHMER": "km",
    "MONGOLIAN": "mn",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am",
    "CHEROKEE": "chr",
    "SHAVIAN": "en",
}
_KANA = ("HIRAGANA", "KATAKANA")
# Letters to Unicode, which every voice reads as the signs that they are: ª, º and µ.
_SIGNS = {"FEMININE", "MASCULINE", "MICRO"}
# Raised and joining letters, such as the apostrophe of Hawaiian, go with the letters beside them.
_MODIFIER = "Lm"
# Japanese has a third of kana or more, Chinese a word of it at most.
_KANA_OF_JAPANESE = 0.1

# Seconds a letter at 175 words a minute, measured with espeak-ng on two to six ordinary sentences each.
_PACE = {
    "LATIN": 0.066,
    "CJK": 0.26,
    "HIRAGANA": 0.122,
    "KATAKANA": 0.122,
    "HANGUL": 0.176,
    "CYRILLIC": 0.068,
    "GREEK": 0.061,
    "ARABIC": 0.105,
    "HEBREW": 0.09,
    "DEVANAGARI": 0.134,
    "BENGALI": 0.143,
    "TAMIL": 0.107,
    "TELUGU": 0.136,
    "THAI": 0.13,
    "MYANMAR": 0.209,
    "GEORGIAN": 0.084,
    "ARMENIAN": 0.09,
    "ETHIOPIC": 0.134,
}
_OTHER_PACE = 0.12
# Seconds of a single letter.
_SHORTEST = 0.28
# Where a language is not as fast as others in its script.
_RELATIVE_PACE = {"fr": 0.74, "uk": 1.4, "yue": 0.84}
# Of a digit, which is short in a large number and long in one that is told digit by digit.
_DIGIT_SECONDS = 0.4
_PAUSES = dict.fromkeys(",،、，", 0.23) | dict.fromkeys(";:—–…；：؛", 0.3) | dict.fromkeys(".?!。？！؟।።။", 0.4)

_LINE_ENDS = str.maketrans("\v\f\x85", "\n\n\n")
_SPACING = "\t\n"
_EXAMPLE = "Give what is to be said, such as tts.text='Good morning.'"


def spoken_text(text: str) -> str:
    """The text as it is spoken: composed (NFC), its lines ended by \\n, and nothing around it.

    Raises InputError for a text that is empty, too long, without a letter or a digit, or no text: with control
    characters, which would cut it short or be taken for commands, or with bytes that are not Unicode.
    """
    text = unicodedata.normalize("NFC", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_LINE_ENDS).strip()
    if not text:
        raise InputError("tts.text", "it is empty", _EXAMPLE)
    if len(text) > LONGEST_TEXT:
        remedy = f"Give {LONGEST_TEXT:,} at most, and the rest to another run"
        raise InputError("tts.text", f"it has {len(text):,} characters", remedy)
    for place, character in enumerate(text, 1):
        kind = unicodedata.category(character)
        if kind == "Cs" or (kind == "Cc" and character not in _SPACING):
            problem = f"character {place:,} of {len(text):,} is U+{ord(character):04X}, which is not for text"
            raise InputError("tts.text", problem, "Leave it out, and see that the text is UTF-8")
    if not any(character.isalnum() for character in text):
        raise InputError(f"tts.text {text[:20]!r}", "it has no letter and no digit to be spoken", _EXAMPLE)
    return text


def count_scripts(text: str) -> Mapping[str, int]:
    """The number of letters in each script of a text, also of scripts that no language is known for here.

    Mathematical letters are a script of their own: they look like others, and nothing reads them so.
    """
    return Counter(_script(character) for character in text if _is_of_script(character))


def count_unknown(text: str) -> tuple[int, int]:
    """Of a text's letters, how many are of scripts that no language is known for here; and how many there are."""
    scripts = count_scripts(text)
    return sum(count for script, count in scripts.items() if script not in _LANGUAGES), sum(scripts.values())


def tell_language(text: str) -> str:
    """The language that most of the time is spoken in, by scripts alone: `en` for all that is Latin.

    Time counts rather than letters, since a Chinese letter is a syllable: Chinese with names in Latin letters stays
    Chinese. Han with kana is Japanese. A text without letters that are known is English.
    """
    scripts = Counter({script: count for script, count in count_scripts(text).items() if script in _LANGUAGES})
    kana = sum(scripts[script] for script in _KANA)
    if kana and kana >= _KANA_OF_JAPANESE * (kana + scripts["CJK"]):
        scripts["HIRAGANA"] += scripts.pop("CJK", 0)
    seconds: dict[str, float] = {}
    for script, count in scripts.items():
        language = _LANGUAGES[script]
        seconds[language] = seconds.get(language, 0.0) + count * _pace(script)
    return max(seconds, key=lambda language: seconds[language], default=_LANGUAGES["LATIN"])


def plain_code(language: str) -> str:
    """A code of a language as it is looked up: `pt_BR` is `pt-br`."""
    return language.strip().lower().replace("_", "-")


def estimate_seconds(text: str, language: str, speed: float) -> float:
    """About how long a text takes, by its letters, digits and pauses. `language` is a code, `speed` of 1 is ordinary.

    Within a quarter of what espeak-ng takes, for ordinary sentences, and never less than it takes for a letter.
    """
    letters = sum(count * _pace(script) for script, count in count_scripts(text).items())
    letters *= _RELATIVE_PACE.get(plain_code(language).partition("-")[0], 1)
    digits = sum(character.isdecimal() for character in text) * _DIGIT_SECONDS
    return max(_SHORTEST, letters + digits + sum(_pauses(text))) / speed


def _pauses(text: str) -> Iterator[float]:
    """Seconds of each pause: several marks in a row are one, that in 19.99 is none, nor is the one at the end."""
    for before, mark, after in zip(" " + text, text, text[1:], strict=False):
        if mark in _PAUSES and after not in _PAUSES and not (before.isdecimal() and after.isdecimal()):
            yield _PAUSES[mark]


def _is_of_script(character: str) -> bool:
    if not character.isalpha():
        return False
    script = _script(character)
    return script in _LANGUAGES or (unicodedata.category(character) != _MODIFIER and script not in _SIGNS)


def _script(letter: str) -> str:
    words = unicodedata.name(letter, "").replace("-", " ").split()
    while words and words[0] in ("FULLWIDTH", "HALFWIDTH"):
        words.pop(0)
    return words[0] if words else ""


def _pace(script: str) -> float:
    return _PACE.get(script, _OTHER_PACE)
