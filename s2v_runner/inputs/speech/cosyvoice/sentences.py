"""A text in pieces of a length that CosyVoice speaks well."""

import itertools
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

# Of one piece, in wide characters, as those of Chinese: about sixteen seconds. CosyVoice's own front end divides from
# 80 characters or tokens on, so it leaves these whole; where it does not divide, its model loses words of longer ones.
_LONGEST = 80
# Of a narrow character. A token of an alphabetic script is three to four of them.
_NARROW = 1 / 3

_CLOSERS = r"[”’」』）)】》〉\]»\"']*"
_END = re.compile(rf"[.!?…‼⁇⁈⁉؟।。！？｡．]+{_CLOSERS}")
_CLAUSE = re.compile(rf"(?:[，、；：—]+|[,;:–-]+(?=\s)){_CLOSERS}")
_SPACE = re.compile(r"\s+")
_ANYWHERE = re.compile(r"(?s).(?![\u0300-\u036f\u200d\ufe0f])")
_PARAGRAPH = re.compile(r"\s*\n\s*\n\s*")
_SPACELESS_BREAK = re.compile(r"(?<=[\u2e80-\ua4ff\uff00-\uffef])\s*\n\s*(?=[\u2e80-\ua4ff\uff00-\uffef])")
_WORD = re.compile(r"[\w.]*$")
_NARROW_MARKS = frozenset(".!?…")
_PAIRS = {
    "(": ")",
    "（": "）",
    "[": "]",
    "【": "】",
    "「": "」",
    "『": "』",
    "《": "》",
    "“": "”",
    "„": "“”",
    "«": "»",
    "»": "«",
    '"': '"',
}
_LONGEST_ABBREVIATION = 12
_ABBREVIATIONS = re.compile(
    "mr|mrs|ms|dr|prof|st|sr|jr|vs|etc|nr|vol|fig|approx|dept|gen|col|lt|sgt|capt|rev|hon|cf|ca|bzw|usw|evtl|ggf|inkl|"
    "mme|mlle|sig|sra|dra|inc|ltd|co|corp|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|art|см|напр|ул|тел",
    re.IGNORECASE,
)


def split_text(text: str) -> tuple[str, ...]:
    """The text in pieces, none of which takes much more than a quarter of a minute to speak.

    A piece ends with a sentence where it can, whose closing quotes and brackets stay with it. A sentence that is too
    long is divided at the ends of sentences that it quotes, then at commas, then at spaces, and else anywhere. Pieces
    are as equal as can be, since the model says too much or too little of very short ones. Nothing is left out but
    white space and pieces without a word; a paragraph without an end mark gets one.
    """
    paragraphs = (_unwrapped(part) for part in _PARAGRAPH.split(text.strip()))
    flowing = " ".join(_closed(part) for part in paragraphs if part)
    pieces = [piece.strip() for piece in _divide(flowing, _LEVELS)]
    return tuple(piece for piece in pieces if any(character.isalnum() for character in piece))


def _unwrapped(paragraph: str) -> str:
    """On one line. Where a script without spaces was broken for its width, nothing stands for the break."""
    return " ".join(_SPACELESS_BREAK.sub("", paragraph).split())


def _closed(paragraph: str) -> str:
    if not paragraph[-1].isalnum():
        return paragraph
    return paragraph + ("。" if _is_wide(paragraph[-1]) and not _is_hangul(paragraph[-1]) else ".")


def _divide(text: str, levels: Sequence[Callable[[str], Iterator[int]]]) -> list[str]:
    """Pieces that make up the text, divided at the first level, and at the next where that leaves too long ones."""
    if _length(text) <= _LONGEST or not levels:
        return [text]
    ends = [end for end in levels[0](text) if end < len(text)]
    parts = [text[begin:end] for begin, end in itertools.pairwise([0, *ends, len(text)])]
    shorter: list[str] = []
    for part in parts:
        shorter += _divide(part, levels[1:])
    return _pack(shorter)


def _pack(parts: Sequence[str]) -> list[str]:
    """Neighbours joined into as few pieces as there can be, the longest of which is as short as it can be."""
    lengths = [_length(part) for part in parts]
    fewest = len(_fill(parts, lengths, _LONGEST))
    for longest in range(math.floor(sum(lengths) / fewest), _LONGEST):
        pieces = _fill(parts, lengths, longest)
        if len(pieces) == fewest:
            return pieces
    return _fill(parts, lengths, _LONGEST)


def _fill(parts: Sequence[str], lengths: Sequence[float], longest: float) -> list[str]:
    pieces: list[str] = []
    held = math.inf
    for part, added in zip(parts, lengths, strict=True):
        if held + added > longest:
            pieces.append(part)
            held = added
        else:
            pieces[-1] += part
            held += added
    return pieces


def _sentence_ends(text: str) -> Iterator[int]:
    """Ends of sentences outside of quotes and brackets."""
    depth = _depths(text)
    yield from (end for end in _all_sentence_ends(text) if depth[end - 1] == 0)


def _all_sentence_ends(text: str) -> Iterator[int]:
    yield from (match.end() for match in _END.finditer(text) if _ends_sentence(text, match))


def _clause_ends(text: str) -> Iterator[int]:
    yield from (match.end() for match in _CLAUSE.finditer(text))


def _word_ends(text: str) -> Iterator[int]:
    yield from (match.end() for match in _SPACE.finditer(text))


def _character_ends(text: str) -> Iterator[int]:
    yield from (match.end() for match in _ANYWHERE.finditer(text))


_LEVELS = (_sentence_ends, _all_sentence_ends, _clause_ends, _word_ends, _character_ends)


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether these marks end a sentence. In doubt they do not, since pieces hold several anyway."""
    marks = match.group()
    if not set(marks) & _NARROW_MARKS or set(marks) & set("。！？"):
        return True
    rest = text[match.end() : match.end() + 4]
    if rest and not rest[0].isspace():
        # Without a space only where scripts without spaces borrow the marks: 3.5 and www.example.org go on.
        return _is_wide(rest[0]) and not _follows_digit(text, match)
    following = rest.lstrip(" \n\t“„«\"'(‘¿¡")[:1]
    if following.islower():
        return False
    return (
        marks[0] != "." or marks.startswith("..") or not (following.isdigit() or _is_abbreviated(text, match.start()))
    )


def _is_abbreviated(text: str, stop: int) -> bool:
    """Whether the word before a full stop is an abbreviation, an initial or an ordinal such as the German 3."""
    found = _WORD.search(text[max(0, stop - _LONGEST_ABBREVIATION) : stop])
    word = found.group() if found else ""
    if word.isdigit():
        return len(word) <= 2
    return "." in word or bool(_ABBREVIATIONS.fullmatch(word)) or (len(word) == 1 and not _is_wide(word))


def _follows_digit(text: str, match: re.Match[str]) -> bool:
    return match.group() == "." and text[max(0, match.start() - 1) : match.start()].isdigit()


def _depths(text: str) -> list[int]:
    """How many quotes and brackets are open after each character."""
    depths: list[int] = []
    closers: list[str] = []
    for character in text:
        if closers and character in closers[-1]:
            closers.pop()
        elif character in _PAIRS:
            closers.append(_PAIRS[character])
        depths.append(len(closers))
    return depths


def _length(text: str) -> float:
    """In wide characters; white space has none."""
    return sum(1 if _is_wide(character) else _NARROW for character in text if not character.isspace())


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"
