"""Finished videos, read back a frame at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from s2v_runner.errors import InputError

# BT.709.
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_BLACK, _SPAN = 16, 219
"""Where luma begins and how far it goes in the range of television."""
_PLANAR = "yuv420p"


@dataclass(frozen=True)
class VideoFacts:
    """What the header of a video says."""

    width: int
    height: int
    fps: Fraction


class SeenFrame:
    """A frame of a video."""

    def __init__(self, picture: VideoFrame, reformatter: VideoReformatter) -> None:
        self.picture = picture
        """As it was decoded."""
        self._reformatter = reformatter

    @cached_property
    def rgb(self) -> np.ndarray:
        """[rows, columns, 3], 8 bits."""
        changed = self._reformatter.reformat(
            self.picture,
            format="rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG if self.picture.format.name == _PLANAR else ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        return changed.to_ndarray()

    @cached_property
    def luma(self) -> np.ndarray:
        """[rows, columns], float32: that of BT.709, 0 for black and 255 for white."""
        if self.picture.format.name != _PLANAR:
            return self.rgb @ _LUMA
        luma = self.picture.to_ndarray()[: self.picture.height]
        return (luma - np.float32(_BLACK)) * np.float32(255 / _SPAN)


class VideoReader:
    """The frames of a video, in order; iterated once."""

    def __init__(self, container: InputContainer, path: Path) -> None:
        self._container = container
        self._path = path
        self._stream = container.streams.video[0]
        # The frames are the same, and grainy videos take most of the time here.
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate
        assert rate is not None
        self.facts = VideoFacts(self._stream.width, self._stream.height, rate)

    def __iter__(self) -> Iterator[SeenFrame]:
        """Raises InputError where the file breaks off."""
        reformatter = VideoReformatter()
        with _explained(self._path):
            for picture in self._container.decode(self._stream):
                yield SeenFrame(picture, reformatter)


@contextmanager
def open_video(path: Path) -> Iterator[VideoReader]:
    """A video as this project writes it, to be read. Raises InputError for a file that is missing or no such video."""
    with _explained(path):
        # Named as a file, or a colon in its name would make it a protocol.
        container = av.open(f"file:{path}")
    with container:
        if not container.streams.video or container.streams.video[0].average_rate is None:
            raise InputError(f"video '{path}'", "it has no pictures in it", "Make it again")
        # One thread for each: more of them than there are cores only take memory.
        container.streams.video[0].codec_context.thread_count = 1
        yield VideoReader(container, path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (FFmpegError, OSError) as error:
        raise InputError(f"video '{path}'", f"it cannot be read ({error})", "Make it again") from error
