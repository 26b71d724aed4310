"""Sound to be read from any file, a block at a time, by whichever library knows the format."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from s2v_runner.errors import InputError
from s2v_runner.inputs.places import check_file
from s2v_runner.inputs.probe import FORMATS, UNCOUNTED_FORMATS
from s2v_runner.sound_file import SequentialSoundFile

BLOCK = 1 << 16
"""Samples of each channel that are held at once."""

# Some FLAC files do not say how long they are; they are told as the largest number there is.
_LONGEST = 1 << 48


class SoundSource(Protocol):
    """A file's sound, open."""

    @property
    def rate(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def container(self) -> str: ...

    @property
    def codec(self) -> str: ...

    @property
    def seconds(self) -> float | None:
        """How long the header says it is; None where it does not."""
        ...

    @property
    def frames(self) -> int | None:
        """The same in samples of each channel, where it can be relied on to the last one."""
        ...

    @property
    def assured(self) -> int:
        """Samples of each channel that are there for certain, as far as the header tells."""
        ...

    @property
    def tracks(self) -> int:
        """Streams of sound in the file, of which the first is heard."""
        ...

    def blocks(self, begin: int, end: int) -> Iterator[np.ndarray]:
        """The samples from `begin` to `end`, or to where the file ends: float32 [samples, channels] each.

        What lies after `end` is not read. Raises InputError where the file breaks off.
        """
        ...


def open_source(path: Path, key: str) -> AbstractContextManager[SoundSource]:
    """The first sound of a file. `key` is the setting that named it.

    Raises InputError for a file that is missing, cannot be read or has none.
    """
    subject = f"{key} '{path}'"
    check_file(subject, path, "Give the path of a recording")
    return _open_sound_file(path, subject) if _is_sound_file(path) else _open_track(path, subject)


def _is_sound_file(path: Path) -> bool:
    try:
        with soundfile.SoundFile(path):
            return True
    # A TypeError is its answer to the name of a file without a header.
    except (soundfile.SoundFileError, OSError, TypeError):
        return False


def _open_track(path: Path, subject: str) -> AbstractContextManager[SoundSource]:
    # Late: only what libsndfile does not know is read by FFmpeg.
    from s2v_runner.inputs.tracks import open_track

    return nullcontext(open_track(path, subject))


@contextmanager
def _open_sound_file(path: Path, subject: str) -> Iterator[SoundSource]:
    try:
        with SequentialSoundFile(path) as file:
            yield _SoundFile(file)
    except (soundfile.SoundFileError, OSError, EOFError) as error:
        raise InputError(subject, f"it breaks off, or cannot be read as audio ({error})", FORMATS) from error


class _SoundFile:
    """What libsndfile reads."""

    tracks = 1

    def __init__(self, file: soundfile.SoundFile) -> None:
        self._file = file
        self.rate, self.channels = file.samplerate, file.channels
        self.container, self.codec = file.format.lower(), file.subtype.lower()
        known = file.frames < _LONGEST
        self.seconds = file.frames / file.samplerate if known else None
        exact = known and file.format not in UNCOUNTED_FORMATS
        self.frames = file.frames if exact else None
        self.assured = file.frames if exact else max(0, file.frames - file.samplerate) if known else 0

    def blocks(self, begin: int, end: int) -> Iterator[np.ndarray]:
        if begin > self._file.frames:
            return
        # An MP3 decoder is itself again after what went before; every other format is found to the sample.
        warm_up = min(begin, self._file.samplerate if self.frames is None else 0)
        self._file.seek(begin - warm_up)
        self._file.read(warm_up)
        while begin < end:
            block = self._file.read(min(BLOCK, end - begin), dtype="float32", always_2d=True)
            if not len(block):
                return
            begin += len(block)
            yield block
