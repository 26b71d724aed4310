"""What a plan needs to know of the inputs. Nothing heavy is imported."""

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import soundfile
from PIL.ExifTags import Base

from s2v_runner.errors import InputError
from s2v_runner.inputs.places import check_file
from s2v_runner.inputs.stills import open_picture
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import Compat
from s2v_runner.sound_file import SequentialSoundFile

FORMATS = "Give a WAV, FLAC, OGG, MP3 or M4A file, or a video with sound"
"""What is answered where a file is no audio."""
UNCOUNTED_FORMATS = {"MP3"}
"""The header of an MP3 file counts frames that its decoder leaves out."""

_TURNED = {5, 6, 7, 8}
"""EXIF orientations that swap height and width."""

_BLOCK = 1 << 20
_PICTURES_KNOWN = 1024


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
    """Height and width, as `read_picture` will find them. Raises InputError for a file that is no picture.

    It is read to its end, so that one that breaks off is found now and not when it is needed.
    """
    with open_picture(path) as opened:
        image = opened.image
        turned = compat.orientation == "honoured" and image.getexif().get(Base.Orientation) in _TURNED
        size = image.size if turned else (image.height, image.width)
    state = path.stat()
    _read_to_its_end(path, state.st_size, state.st_mtime_ns)
    return size


def probe_sound(path: Path) -> SoundHeader:
    """The length of a WAV, FLAC, OGG or MP3 file. Raises InputError for a file that is no such audio or is empty."""
    subject = f"audio.path '{path}'"
    check_file(subject, path, "Give the path of a recording")
    try:
        with SequentialSoundFile(path) as file:
            frames = _count_frames(file) if file.format in UNCOUNTED_FORMATS else file.frames
            header = SoundHeader(frames, file.samplerate, file.channels)
    # A TypeError is the answer to a name that promises sound without a header.
    except (soundfile.SoundFileError, OSError, TypeError) as error:
        raise InputError(subject, f"it cannot be read as audio ({error})", FORMATS) from error
    if header.frames < 1:
        raise InputError(subject, "it is empty", "Give a recording with sound in it")
    return header


# The points of a sweep ask for the same few files again and again.
@lru_cache(maxsize=_PICTURES_KNOWN)
def _read_to_its_end(path: Path, _size: int, _time: int) -> None:
    with open_picture(path) as opened:
        opened.image.load()


def _count_frames(file: soundfile.SoundFile) -> int:
    count = 0
    while read := len(file.read(_BLOCK)):
        count += read
    return count
