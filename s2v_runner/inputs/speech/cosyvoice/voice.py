"""The recording of a voice that is to be cloned."""

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2v_runner.errors import InputError
from s2v_runner.inputs.places import check_file
from s2v_runner.inputs.sources import open_source

_KEY = "tts.prompt_audio"
_LOWEST_RATE = 16_000
# CosyVoice asserts the upper one.
_SHORTEST, _LONGEST = 1.0, 30.0
_ADVISED = (5.0, 15.0)
# What is not even worth decoding to look for half a minute of speech in it.
_LONGEST_FILE = 120.0
_WINDOW = 0.02
# The root mean square of the loudest window, below which nobody speaks, and how far below it speech ends.
_SILENCE = 10 ** (-50 / 20)
_SPEECH_RANGE = 10 ** (-40 / 20)
# Quiet that stays on either side: a word cut to the last sample makes the model go on with it.
_MARGIN = 0.2
_CLIPPED_LEVEL, _CLIPPED_SHARE = 0.999, 1e-3


@dataclass(frozen=True)
class Voice:
    """A voice to clone: mono, float32, without the silence around it."""

    samples: np.ndarray
    rate: int
    seconds: float
    """From the first sound to the last; `samples` has a little quiet on either side."""
    warnings: tuple[str, ...]


def find_recording(path: Path | None) -> Path:
    """The recording that was given. Raises InputError if none was, or none is there."""
    if path is None:
        raise InputError(_KEY, "no recording of the voice is given", "Give 5 to 15 seconds of it")
    check_file(_name(path), path, "Give the path of a recording of the voice")
    return path


def read_voice(path: Path | None) -> Voice:
    """Read a recording, trim it, and judge it.

    Raises InputError for one that is missing or unreadable, has a rate below 16 kHz, or has not between one and thirty
    seconds of sound in it.
    """
    path = find_recording(path)
    samples, rate = _decode(path)
    if rate < _LOWEST_RATE:
        raise InputError(
            _name(path), f"its rate of {rate} Hz is below {_LOWEST_RATE} Hz", "Give a recording at 16 kHz or more"
        )
    if not np.isfinite(samples).all():
        raise InputError(_name(path), "its samples are not finite", "Export it again")
    begin, end = _spoken(path, samples, rate)
    seconds = (end - begin) / rate
    if not _SHORTEST <= seconds <= _LONGEST:
        raise InputError(
            _name(path), f"{seconds:.1f} s of sound are in it, and 1 to 30 s are wanted", "Give 5 to 15 s of the voice"
        )
    return Voice(_with_margins(samples, begin, end, rate), rate, seconds, tuple(_concerns(path, samples, seconds)))


def write_voice(voice: Voice, path: Path) -> None:
    """As a 16-bit WAV file at the recording's own rate. Raises OSError."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(voice.rate)
        file.writeframes(np.rint(voice.samples.clip(-1, 1) * 32767).astype("<i2").tobytes())


def _name(path: Path) -> str:
    return f"{_KEY} '{path}'"


def _decode(path: Path) -> tuple[np.ndarray, int]:
    """Mono samples and their rate."""
    with open_source(path, _KEY) as source:
        most = int(_LONGEST_FILE * source.rate)
        blocks = [block.mean(axis=1, dtype=np.float32) for block in source.blocks(0, most + 1)]
        samples = np.concatenate([np.zeros(0, np.float32), *blocks])
    if len(samples) > most:
        raise InputError(
            _name(path), "it lasts more than 2 minutes, and at most 30 s are wanted", "Cut 5 to 15 s of the voice out"
        )
    return samples, source.rate


def _spoken(path: Path, samples: np.ndarray, rate: int) -> tuple[int, int]:
    """The first and the last sample, by windows of 20 ms, that are not quiet. Raises InputError if there is none."""
    window = round(_WINDOW * rate)
    padded = np.pad(samples, (0, -len(samples) % window)).reshape(-1, window)
    levels = np.sqrt(np.square(padded, dtype=np.float64).mean(axis=1))
    if not len(samples) or levels.max() < _SILENCE:
        raise InputError(
            _name(path),
            "nothing but silence is in it" if len(samples) else "it is empty",
            "Give 5 to 15 s of the voice",
        )
    (loud,) = np.nonzero(levels >= levels.max() * _SPEECH_RANGE)
    return int(loud[0]) * window, min(len(samples), (int(loud[-1]) + 1) * window)


def _with_margins(samples: np.ndarray, begin: int, end: int, rate: int) -> np.ndarray:
    """With the recording's own quiet on either side, or silence at the end, and no longer than CosyVoice takes."""
    margin = min(int(_MARGIN * rate), (int(_LONGEST * rate) - (end - begin)) // 2)
    kept = samples[max(0, begin - margin) : end + margin]
    return np.pad(kept, (0, max(0, margin - (len(samples) - end))))


def _concerns(path: Path, samples: np.ndarray, seconds: float) -> list[str]:
    concerns: list[str] = []
    if not _ADVISED[0] <= seconds <= _ADVISED[1]:
        concerns.append(f"{_name(path)} has {seconds:.1f} s of sound in it: 5 to 15 s clone a voice best")
    share = float((np.abs(samples) >= _CLIPPED_LEVEL).mean())
    if share > _CLIPPED_SHARE:
        concerns.append(f"{_name(path)} is clipped ({share:.1%} of its samples): the cloned voice may be as distorted")
    return concerns
