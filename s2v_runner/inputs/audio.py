"""The speech."""

import math
import warnings
from pathlib import Path

import numpy as np
import soundfile
import soxr

from s2v_runner.errors import InputError
from s2v_runner.inputs.probe import probe_sound
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Sound


def read_sound(path: Path) -> Sound:
    """Read a WAV, FLAC, OGG or MP3 file as mono at 16 kHz.

    The samples are those of `librosa.load`, which the original uses, from the two libraries that do its work: importing
    librosa takes seconds, and far longer the first time on a machine.
    Warns when nothing but silence is heard. Raises InputError for a file that is missing, empty or no audio.
    """
    probe_sound(path)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, EOFError, ValueError) as error:
        raise _refuse(path, error) from error
    mono = samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise _refuse(path, "its samples are not finite")
    samples = _resample(mono, rate)
    if not samples.any():
        warnings.warn(f"audio.path '{path}' is silent from beginning to end: nobody will speak", stacklevel=2)
    return Sound(samples, SPEECH_RATE)


def _refuse(path: Path, reason: object) -> InputError:
    return InputError(
        f"audio.path '{path}'", f"it cannot be read as audio ({reason})", "Give a WAV, FLAC, OGG or MP3 file"
    )


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    """At 16 kHz, as many samples as the duration holds, the last one begun included."""
    if rate == SPEECH_RATE:
        return samples
    resampled = soxr.resample(samples, rate, SPEECH_RATE, quality="HQ")
    count = math.ceil(len(samples) * (SPEECH_RATE / rate))
    return np.pad(resampled, (0, max(0, count - len(resampled))))[:count]
