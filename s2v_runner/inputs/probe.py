"""What a plan needs to know of the inputs, from their headers. Nothing heavy is imported."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import soundfile
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base

from s2v_runner.errors import InputError
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Compat

_TURNED = {5, 6, 7, 8}
"""EXIF orientations that swap height and width."""

# The header of an MP3 file counts frames that its decoder leaves out.
_UNCOUNTED_FORMATS = {"MP3"}
_BLOCK = 1 << 20


@dataclass(frozen=True)
class SoundHeader:
    """What the header of a recording says of it."""

    frames: int
    rate: int
    channels: int

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def speech_samples(self) -> int:
        """Samples once it is resampled for the speech encoder."""
        return math.ceil(self.frames * (SPEECH_RATE / self.rate))


def probe_picture(path: Path, compat: Compat) -> tuple[int, int]:
    """Height and width, as `read_picture` will find them. Raises InputError for a file that is no picture."""
    with open_picture(path) as image:
        turned = compat.orientation == "honoured" and image.getexif().get(Base.Orientation) in _TURNED
        return image.size if turned else (image.height, image.width)


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """A picture, open. What goes wrong with it until it is closed becomes an InputError."""
    try:
        if not path.is_file():
            raise InputError(f"image '{path}'", "there is no such file", "Give the path of a picture")
        with Image.open(path) as image:
            yield image
    except InputError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"image '{path}'", f"it cannot be read as a picture ({error})", "Give a JPEG, PNG, WebP or the like"
        ) from error


def probe_sound(path: Path) -> SoundHeader:
    """The length of a recording. Raises InputError for a file that is no audio or is empty."""
    try:
        if not path.is_file():
            raise InputError(f"audio.path '{path}'", "there is no such file", "Give the path of a recording")
        with soundfile.SoundFile(path) as file:
            frames = _count_frames(file) if file.format in _UNCOUNTED_FORMATS else file.frames
            header = SoundHeader(frames, file.samplerate, file.channels)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(
            f"audio.path '{path}'", f"it cannot be read as audio ({error})", "Give a WAV, FLAC, OGG or MP3 file"
        ) from error
    if header.frames < 1:
        raise InputError(f"audio.path '{path}'", "it is empty", "Give a recording with sound in it")
    return header


def _count_frames(file: soundfile.SoundFile) -> int:
    count = 0
    while read := len(file.read(_BLOCK)):
        count += read
    return count
