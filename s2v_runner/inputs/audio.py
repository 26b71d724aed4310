"""The speech."""

import warnings
from pathlib import Path

import librosa
import soundfile

from s2v_runner.errors import InputError
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Sound


def read_sound(path: Path) -> Sound:
    """Read a WAV, FLAC, OGG or MP3 file as mono at 16 kHz, as the original does, with librosa.

    Warns when nothing but silence is heard. Raises InputError for a file that is missing, empty or no audio.
    """
    try:
        if not path.is_file():
            raise InputError(f"audio.path '{path}'", "there is no such file", "Give the path of a recording")
        # Opened here first, because librosa hides this library's reason behind a second decoder's.
        soundfile.info(path)
        samples, rate = librosa.load(path, sr=SPEECH_RATE, mono=True)
    except (soundfile.SoundFileError, librosa.ParameterError, OSError, EOFError) as error:
        raise InputError(
            f"audio.path '{path}'", f"it cannot be read as audio ({error})", "Give a WAV, FLAC, OGG or MP3 file"
        ) from error
    if len(samples) == 0:
        raise InputError(f"audio.path '{path}'", "it is empty", "Give a recording with sound in it")
    if not samples.any():
        warnings.warn(f"audio.path '{path}' is silent from beginning to end: nobody will speak", stacklevel=2)
    return Sound(samples, int(rate))
