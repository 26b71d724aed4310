"""The speech."""

import math
import warnings
from pathlib import Path

import numpy as np
import soundfile
import soxr

from s2v_runner.errors import InputError
from s2v_runner.inputs.places import check_file
from s2v_runner.inputs.probe import FORMATS
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Sound
from s2v_runner.sound_file import SequentialSoundFile

# Of each channel at once; only their mean is kept.
_BLOCK = 1 << 20
# Seconds past those that are wanted: the resampler looks ahead by some milliseconds.
_MARGIN = 1.0


def read_sound(path: Path, seconds: float | None = None) -> Sound:
    """Read a WAV, FLAC, OGG or MP3 file as mono at 16 kHz, whole or its first `seconds`.

    The samples are those of `librosa.load`, which the original uses, from the two libraries that do its work: importing
    librosa takes seconds, and far longer the first time on a machine. Those of a part are the first of the whole, to
    the bit, and what lies after it is not read.
    Warns when nothing but silence is heard. Raises InputError for a file that is missing, empty or no audio.
    """
    check_file(f"audio.path '{path}'", path, "Give the path of a recording")
    try:
        mono, rate = _read_mono(path, seconds)
    # A TypeError is the answer to a name that promises sound without a header.
    except (soundfile.SoundFileError, OSError, EOFError, ValueError, TypeError) as error:
        raise _refuse(path, error) from error
    if not len(mono):
        raise InputError(f"audio.path '{path}'", "it is empty", "Give a recording with sound in it")
    if not np.isfinite(mono).all():
        raise _refuse(path, "its samples are not finite")
    samples = _resample(mono, rate)
    if seconds is not None:
        samples = samples[: math.ceil(seconds * SPEECH_RATE)]
    if not samples.any():
        warnings.warn(f"audio.path '{path}' is silent from beginning to end: nobody will speak", stacklevel=2)
    return Sound(samples, SPEECH_RATE)


def _read_mono(path: Path, seconds: float | None) -> tuple[np.ndarray, int]:
    """The mean of the channels, and the rate."""
    with SequentialSoundFile(path) as file:
        left = math.inf if seconds is None else math.ceil((seconds + _MARGIN) * file.samplerate)
        blocks = [np.zeros(0, np.float32)]
        while left > 0:
            block = file.read(int(min(_BLOCK, left)), dtype="float32", always_2d=True)
            if not len(block):
                break
            left -= len(block)
            blocks.append(block.mean(axis=1))
        return np.concatenate(blocks), file.samplerate


def _refuse(path: Path, reason: object) -> InputError:
    return InputError(f"audio.path '{path}'", f"it cannot be read as audio ({reason})", FORMATS)


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """At 16 kHz, as many samples as the duration holds, the last one begun included."""
    if rate == SPEECH_RATE:
        return samples
    resampled = soxr.resample(samples, rate, SPEECH_RATE, quality="HQ")
    count = math.ceil(len(samples) * (SPEECH_RATE / rate))
    return np.pad(resampled, (0, max(0, count - len(resampled))))[:count]
