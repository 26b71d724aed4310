"""What the mouth does while somebody speaks: from phonemes to its shape in every frame."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from demo.world.speech import Phoneme

# Spread of the smoothing in seconds: a change of shape takes about 60 ms, half of it ahead of its sound.
_SPREAD = 0.025
_LONGEST_OPEN_PAUSE = 0.12
# The share of a stop in which the lips are shut; then they are on their way to what follows.
_SHUT_SHARE = 0.6


@dataclass(frozen=True)
class MouthTrack:
    """Opening, width and rounding of the mouth, float32 [V] of 0 ... 1. A resting mouth has 0, 0.5 and 0."""

    opening_V: np.ndarray
    width_V: np.ndarray
    rounding_V: np.ndarray


@dataclass(frozen=True)
class _Target:
    """A shape of the mouth, and how strongly a sound insists on it against its neighbours."""

    opening: float
    width: float
    rounding: float
    weight: float


@dataclass(frozen=True)
class _Segment:
    """One letter of the IPA, or a pause, from `start` to `end` seconds."""

    letter: str
    start: float
    end: float


_REST = _Target(0, 0.5, 0, 1)
_PAUSE = ""

_LIPS_SHUT = _Target(0, 0.5, 0, 3)
_LIP_ON_TEETH = _Target(0.08, 0.7, 0, 2.5)
_LIPS_POINTED = _Target(0.16, 0.05, 1, 2)
_TONGUE_AT_TEETH = _Target(0.22, 0.6, 0, 0.6)
_HISS = _Target(0.15, 0.7, 0, 0.8)
_HUSH = _Target(0.2, 0.3, 0.6, 1)
_TONGUE_BETWEEN_TEETH = _Target(0.25, 0.6, 0, 0.8)
_TONGUE_BACK = _Target(0.3, 0.55, 0, 0.4)
_TONGUE_UP = _Target(0.35, 0.55, 0, 0.6)
_TONGUE_CURLED = _Target(0.3, 0.35, 0.4, 0.7)
_THROAT = _Target(0.35, 0.5, 0, 0.1)

_TARGETS = {
    _PAUSE: _REST,
    "i": _Target(0.3, 1, 0, 1),
    "ᵻ": _Target(0.35, 0.78, 0, 1),
    "ɪ": _Target(0.4, 0.85, 0, 1),
    "e": _Target(0.52, 0.88, 0, 1),
    "ɛ": _Target(0.65, 0.78, 0, 1),
    "æ": _Target(0.9, 0.8, 0, 1),
    "a": _Target(1, 0.65, 0, 1),
    "ɑ": _Target(1, 0.5, 0, 1),
    "ɐ": _Target(0.75, 0.55, 0, 1),
    "ʌ": _Target(0.75, 0.5, 0, 1),
    "ə": _Target(0.42, 0.5, 0.05, 0.7),
    "ɜ": _Target(0.45, 0.4, 0.3, 1),
    "ɚ": _Target(0.4, 0.38, 0.35, 0.9),
    "ɒ": _Target(0.88, 0.35, 0.45, 1),
    "ɔ": _Target(0.75, 0.22, 0.7, 1),
    "o": _Target(0.58, 0.15, 0.88, 1),
    "ʊ": _Target(0.35, 0.2, 0.8, 1),
    "u": _Target(0.25, 0.02, 1, 1.2),
    "ʉ": _Target(0.27, 0.12, 0.9, 1.2),
    **dict.fromkeys("pbm", _LIPS_SHUT),
    **dict.fromkeys("fv", _LIP_ON_TEETH),
    **dict.fromkeys("wʍ", _LIPS_POINTED),
    **dict.fromkeys("tdn", _TONGUE_AT_TEETH),
    **dict.fromkeys("sz", _HISS),
    **dict.fromkeys("ʃʒ", _HUSH),
    **dict.fromkeys("θð", _TONGUE_BETWEEN_TEETH),
    **dict.fromkeys("kɡŋx", _TONGUE_BACK),
    **dict.fromkeys("lɬɾ", _TONGUE_UP),
    **dict.fromkeys("ɹr", _TONGUE_CURLED),
    **dict.fromkeys("hʔ", _THROAT),
    "j": _Target(0.25, 0.92, 0, 0.8),
}
_LIPS_MEET = "pbm"
_LONG = "ː:"
# Syllabic, dental, palatalised: nothing that can be seen.
_UNSEEN = "\u0329\u032aʲ"


def follow_phonemes(phonemes: Sequence[Phoneme], frames: int, fps: float) -> MouthTrack:
    """The mouth at 0, 1/fps, ... seconds. It is closed before the first phoneme, after the last, and in pauses.

    Each frame is a weighted mean of the shapes that belong to the sounds around it, so a sound colours its
    neighbours, and the lips meet in one frame at least for every p, b and m (see `closures`).
    Raises ValueError at a symbol that is not known.
    """
    from scipy.special import ndtr

    segments = list(_with_pauses(phonemes))
    targets = [_TARGETS[segment.letter] for segment in segments]
    times_V1 = np.arange(frames)[:, None] / fps
    starts = np.array([segment.start for segment in segments])
    ends = np.array([_end_of_hold(segment) for segment in segments])
    presence = ndtr((ends - times_V1) / _SPREAD) - ndtr((starts - times_V1) / _SPREAD)
    presence *= np.array([target.weight for target in targets])
    shapes = np.array([(target.opening, target.width, target.rounding) for target in targets])
    track = (presence @ shapes / presence.sum(axis=1, keepdims=True)).clip(0, 1).astype(np.float32)
    track[closures(phonemes, frames, fps), 0] = 0
    return MouthTrack(opening_V=track[:, 0], width_V=track[:, 1], rounding_V=track[:, 2])


def closures(phonemes: Sequence[Phoneme], frames: int, fps: float) -> np.ndarray:
    """The frames in which lips meet, bool [V]: the nearest to the middle of each p, b and m."""
    shut = np.zeros(frames, bool)
    for segment in _letters(phonemes):
        frame = round((segment.start + segment.end) / 2 * fps)
        if segment.letter in _LIPS_MEET and frame < frames:
            shut[frame] = True
    return shut


def _with_pauses(phonemes: Sequence[Phoneme]) -> Iterator[_Segment]:
    """The letters, the pauses in which the mouth closes, and the endless ones before and after."""
    silent_since = -np.inf
    for segment in _letters(phonemes):
        if segment.start - silent_since > _LONGEST_OPEN_PAUSE:
            yield _Segment(_PAUSE, silent_since, segment.start)
        yield segment
        silent_since = segment.end
    yield _Segment(_PAUSE, silent_since, np.inf)


def _letters(phonemes: Sequence[Phoneme]) -> Iterator[_Segment]:
    """The phonemes cut into their letters, which share their time; a length mark doubles the share before it."""
    for phoneme in phonemes:
        shares: list[tuple[str, int]] = []
        for letter in phoneme.symbol:
            if letter in _LONG and shares:
                shares[-1] = shares[-1][0], 2
            elif letter in _TARGETS:
                shares.append((letter, 1))
            elif letter not in _UNSEEN:
                raise ValueError(f"it is not known how a mouth makes '{letter}' of '{phoneme.symbol}'")
        # A mark that comes alone, such as palatalisation, is no more than a lighter j.
        shares = shares or [("j", 1)]
        start, share = phoneme.start, (phoneme.end - phoneme.start) / sum(count for _, count in shares)
        for letter, count in shares:
            yield _Segment(letter, start, start + count * share)
            start += count * share


def _end_of_hold(segment: _Segment) -> float:
    """When a sound stops to insist on its shape."""
    if segment.letter in ("p", "b"):
        return segment.start + _SHUT_SHARE * (segment.end - segment.start)
    return segment.end
