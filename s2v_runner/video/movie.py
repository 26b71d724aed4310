"""What every movie file takes: a container over a file of its own, and a track of pictures in it."""

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from s2v_runner.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER_BYTES = 1 << 16


class MovieFile:
    """A movie file while it is written: whole once it is finished, gone if it is not.

    The bytes go through a file of Python's. The one FFmpeg would open stays open when the header fails, and the
    only way to give it up is a trailer, which may fail in turn.
    """

    def __init__(self, path: Path, *, container_format: str, metadata: Mapping[str, str]) -> None:
        """Create the file. Raises OutputError where that fails, ValueError for a NUL in the metadata."""
        if any("\0" in text for pair in metadata.items() for text in pair):
            raise ValueError("a text of a container ends at a NUL, so that metadata cannot hold one")
        self.closed = False
        """Whether it was finished or discarded."""
        self._path = path
        self._resources = ExitStack()
        try:
            self._file = self._resources.enter_context(_WholeFile(path, "w"))
        except OSError as error:
            raise OutputError(path, error) from error
        self.container = av.open(
            self._file,
            mode="w",
            format=container_format,
            # Lone surrogates, which stand for undecodable bytes of file names, are spelled out as JSON does it.
            metadata_errors="backslashreplace",
            buffer_size=_BUFFER_BYTES,
            # To move the index to the front, the file is read while it is written.
            io_open=lambda *_: path.open("rb"),
        )
        self.container.metadata.update(metadata)

    def close_with(self, close: Callable[[], None]) -> None:
        """Call this when the file is closed, however it ends."""
        self._resources.callback(close)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Whatever is raised inside discards the file; a failure to write becomes an OutputError."""
        if self.closed:
            raise ValueError(f"'{self._path}' is closed")
        try:
            yield
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError | FFmpegError):
                raise OutputError(self._path, error) from error
            raise

    def start(self, options: Mapping[str, str]) -> None:
        """Write the header, once all streams are there. The options are those of the muxer."""
        self.container.container_options.update({"fflags": "+bitexact", **options})
        self.container.start_encoding()

    def mux(self, packets: Sequence[Packet]) -> None:
        self.container.mux(packets)

    def finish(self) -> None:
        """Write what belongs at the end, and see it on the disk."""
        self.container.close()
        os.fsync(self._file.fileno())
        self._resources.close()
        self.closed = True

    def discard(self) -> None:
        """Remove the file, unless it was finished."""
        if self.closed:
            return
        self.closed = True
        with suppress(OSError):
            self._resources.close()
        # PyAV leaves the trailer out where the file under it is closed.
        self.container.close()
        with suppress(OSError):
            self._path.unlink()


class PictureTrack:
    """Pictures of one size, encoded at a constant rate."""

    def __init__(
        self, stream: VideoStream, height: int, width: int, fps: int, convert: Callable[[VideoFrame], VideoFrame]
    ) -> None:
        """`convert` makes of an RGB picture what the encoder takes."""
        self._stream = stream
        self._shape = (height, width, 3)
        self._tick = Fraction(1, fps)
        self._convert = convert
        self.count = 0

    @property
    def seconds(self) -> Fraction:
        """How long the pictures so far are on show."""
        return self.count * self._tick

    def check(self, frames: np.ndarray) -> None:
        """Raises ValueError for what is not [frames, height, width, 3] in 8 bits."""
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != self._shape:
            raise ValueError(f"expected uint8 [frames, *{self._shape}], got {frames.dtype} {frames.shape}")

    def encode(self, pixels: np.ndarray) -> list[Packet]:
        """Take the next picture, [rows, columns, 3]."""
        picture = self._convert(VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24"))
        picture.pts, picture.time_base = self.count, self._tick
        self.count += 1
        return self._stream.encode(picture)

    def flush(self) -> list[Packet]:
        """What the encoder kept back."""
        return self._stream.encode(None)


class _WholeFile(io.FileIO):
    """A file that writes all it is given: FFmpeg takes a write that was cut short for a whole one."""

    def write(self, data: "ReadableBuffer", /) -> int:
        rest = memoryview(data)
        length = len(rest)
        while rest:
            rest = rest[super().write(rest) :]
        return length
