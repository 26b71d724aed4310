"""The speech."""

import warnings
from pathlib import Path

import librosa
import numpy as np

from s2v_runner.errors import InputError
from s2v_runner.records import Sound

SPEECH_RATE = 16000
"""Samples a second that the speech encoder was trained on."""


def read_sound(path: Path) -> Sound:
    """Read any audio file as mono at 16 kHz, as the original does, with librosa.

    Warns when nothing but silence is heard. Raises InputError for a file that is missing, empty or no audio.
    """
    if not path.is_file():
        raise InputError(f"audio.path '{path}'", "there is no such file", "Give the path of a recording")
    try:
        samples, rate = librosa.load(path, sr=SPEECH_RATE, mono=True)
    except Exception as error:  # librosa hands on whatever its decoders raise, which no common class covers
        reason = str(error).strip() or type(error).__name__
        raise InputError(
            f"audio.path '{path}'", f"it cannot be read as audio ({reason})", "Give a WAV, FLAC, OGG or MP3 file"
        ) from error
    if len(samples) == 0:
        raise InputError(f"audio.path '{path}'", "it is empty", "Give a recording with sound in it")
    if not np.isfinite(samples).all():
        raise InputError(f"audio.path '{path}'", "it holds samples that are not numbers", "Export it again")
    if not samples.any():
        warnings.warn(f"audio.path '{path}' is silent from beginning to end: nobody will speak", stacklevel=2)
    return Sound(samples, int(rate))
