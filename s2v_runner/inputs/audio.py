"""The speech."""

import warnings
from pathlib import Path

import librosa
import soundfile

from s2v_runner.errors import InputError
from s2v_runner.inputs.probe import probe_sound
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Sound


def read_sound(path: Path) -> Sound:
    """Read a WAV, FLAC, OGG or MP3 file as mono at 16 kHz, as the original does, with librosa.

    Warns when nothing but silence is heard. Raises InputError for a file that is missing, empty or no audio.
    """
    probe_sound(path)
    try:
        # Opened here: given a name, librosa would try other decoders on a damaged file, and each fails in its own way.
        with soundfile.SoundFile(path) as file:
            samples, rate = librosa.load(file, sr=SPEECH_RATE, mono=True)
    except (soundfile.SoundFileError, librosa.ParameterError, OSError, EOFError, ValueError) as error:
        raise InputError(
            f"audio.path '{path}'", f"it cannot be read as audio ({error})", "Give a WAV, FLAC, OGG or MP3 file"
        ) from error
    if not samples.any():
        warnings.warn(f"audio.path '{path}' is silent from beginning to end: nobody will speak", stacklevel=2)
    return Sound(samples, int(rate))
