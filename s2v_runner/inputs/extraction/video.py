"""The video that poses are taken from, frame by frame, and the video of poses that is made."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from s2v_runner.errors import InputError
from s2v_runner.inputs.films import EARLY_END, open_film, reason_of, stated_seconds

_QUALITY = 12
"""The constant rate factor of x264: colours a step apart stay apart."""
_LONGEST_SIDE = 1280
_FINEST_TICK = Fraction(1, 90_000)
_ASSUMED_RATE = Fraction(25)
"""Of a stream that states none and whose frames have no times."""
_MATRIX_PLACES = 5
"""Of the matrix of a frame's side data, what turns and mirrors: its first two rows of three."""
_ROUNDING = 1e-6


@dataclass(frozen=True)
class SourceFrame:
    """A frame of the video that poses are taken from."""

    rgb: np.ndarray
    """[rows, columns, 3], 8 bits, upright and with square pixels."""
    tick: int
    """When it is shown, from the first frame on."""
    ticks: int
    """How long, until the next."""


class Source:
    """A video, to be iterated once."""

    def __init__(self, container: InputContainer, path: Path, seconds: float | None) -> None:
        self._container = container
        self._path = path
        self._seconds = seconds
        self._stream = container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.rate = self._stream.average_rate or _ASSUMED_RATE
        """Frames a second, on average."""
        base = self._stream.time_base
        self.tick = base if base and base.numerator == 1 and base >= _FINEST_TICK else _FINEST_TICK
        """In seconds."""
        self.end = 0.0
        """When the last frame ended that was read, in seconds."""
        self._goes_on = False

    def __iter__(self) -> Iterator[SourceFrame]:
        """The frames until `seconds`. Raises InputError where the file breaks off."""
        reformatter = VideoReformatter()
        first: Fraction | None = None
        last = -1
        for index, frame in enumerate(self._decode()):
            stamp = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else index / self.rate
            first = stamp if first is None else first
            tick = round((stamp - first) / self.tick)
            # Of two frames at a time the second cannot be shown.
            if tick <= last:
                continue
            if self._seconds is not None and tick * self.tick > self._seconds - _ROUNDING:
                self._goes_on = True
                return
            last = tick
            length = frame.duration * frame.time_base if frame.duration and frame.time_base else 1 / self.rate
            self.end = float(stamp - first + length)
            yield SourceFrame(_upright(frame, self._stream, reformatter), tick, max(1, round(length / self.tick)))

    @property
    def missing_seconds(self) -> float:
        """How much earlier it ended than it says, where it was read to its end; 0 for what does not matter."""
        missing = (stated_seconds(self._container) or 0.0) - self.end
        return missing if missing > EARLY_END and not self._goes_on else 0.0

    def _decode(self) -> Iterator[VideoFrame]:
        try:
            yield from self._container.decode(self._stream)
        except (FFmpegError, OSError) as error:
            raise InputError(
                f"pose.path '{self._path}'",
                f"it breaks off after {self.end:.1f} s ({reason_of(error)})",
                "Export it again, or cut it before that",
            ) from error


@contextmanager
def open_source(path: Path, seconds: float | None) -> Iterator[Source]:
    """A video to be read, up to `seconds` of it. Raises InputError for a file that is missing or is no video."""
    with open_film(path, "a video of a person") as container:
        yield Source(container, path, seconds)


def drawn_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of the video of poses, both even, for frames of this size."""
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    return max(2, round(height * scale / 2) * 2), max(2, round(width * scale / 2) * 2)


class PoseVideo:
    """An MP4 file while it is written; the same twice gives the same bytes."""

    def __init__(self, file: IO[bytes], path: Path, size: tuple[int, int], rate: Fraction, tick: Fraction) -> None:
        """`file` is open at `path`; `size` is height and width; `tick` the seconds that times are counted in."""
        self._file, self._path = file, path
        self._tick = tick
        self._lengths: dict[int, int] = {}
        self._reformatter = VideoReformatter()
        self._container = av.open(
            file,
            mode="w",
            format="mp4",
            io_open=self._open_again,
        )
        self._container.container_options.update({"fflags": "+bitexact", "movflags": "+faststart"})
        self._stream = self._container.add_stream(
            "libx264",
            rate=rate,
            options={
                "crf": str(_QUALITY),
                "preset": "medium",
                # With more, what x264 makes depends on their number.
                "threads": "1",
                # Frames in the order in which they are shown: each then has its own length in the file.
                "bf": "0",
                "flags": "+bitexact",
            },
            height=size[0],
            width=size[1],
            pix_fmt="yuv420p",
        )
        self._stream.color_primaries = ColorPrimaries.BT709
        self._stream.color_trc = ColorTrc.BT709
        self._stream.colorspace = Colorspace.ITU709
        self._stream.color_range = ColorRange.MPEG
        self._stream.codec_context.time_base = tick

    def write(self, rgb: np.ndarray, tick: int, ticks: int) -> None:
        """Show a picture [rows, columns, 3], 8 bits, from this time on, for so long."""
        picture = self._reformatter.reformat(
            VideoFrame.from_ndarray(rgb, format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            # Rounded, where the default cuts off and so shifts chroma.
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
            threads=1,
        )
        picture.pts, picture.time_base = tick, self._tick
        self._lengths[tick] = ticks
        self._mux(picture)

    def finish(self) -> None:
        """Write what belongs at the end."""
        self._mux(None)
        self._container.close()

    def discard(self) -> None:
        """Let go of the file, which is closed then."""
        with suppress(OSError):
            self._file.close()
        # PyAV leaves the trailer out where the file under it is closed.
        self._container.close()

    def _open_again(self, *_: object) -> IO[bytes]:
        """To move the index to the front, the file is read while it is written."""
        self._file.flush()
        return self._path.open("rb")

    def _mux(self, picture: VideoFrame | None) -> None:
        for packet in self._stream.encode(picture):
            if packet.pts is not None:
                packet.duration = self._lengths.pop(packet.pts)
            self._container.mux(packet)


def _upright(frame: VideoFrame, stream: VideoStream, reformatter: VideoReformatter) -> np.ndarray:
    """A frame as it is meant to be seen: with square pixels, and turned as phones ask."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width = max(1, round(frame.width * aspect))
    rgb = reformatter.reformat(frame, width=width, format="rgb24", dst_color_range=ColorRange.JPEG).to_ndarray()
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return rgb
    across, down_for_column, _, across_for_row, down = np.frombuffer(bytes(matrix), "<i4", count=_MATRIX_PLACES)
    return _turned(rgb, int(across), int(down_for_column), int(across_for_row), int(down))


def _turned(rgb: np.ndarray, across: int, down_for_column: int, across_for_row: int, down: int) -> np.ndarray:
    """Turn and mirror by quarters: a pixel goes `across` and `down` for its column, then for its row."""
    if abs(down_for_column) > abs(across):
        rgb, across, down = rgb.transpose(1, 0, 2), across_for_row, down_for_column
    return np.ascontiguousarray(rgb[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
