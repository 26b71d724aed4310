"""Videos to look at beside others: small, without sound, and quick to jump about in."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from s2v_runner.video.movie import MovieFile

PIXEL_FORMAT = "yuv420p"
# A picture that stands for itself so often that any other is a few away.
_BETWEEN_WHOLE_PICTURES = 12


@dataclass(frozen=True)
class Encoding:
    """How hard x264 tries."""

    crf: int
    """Constant rate factor, 0 … 51, less being better."""
    preset: str
    threads: int
    """0 is as many as there are cores."""


class PreviewWriter:
    """Writes pictures of any size as H.264 of one size, in a file that is whole once it is closed."""

    def __init__(self, *, path: Path, width: int, height: int, fps: Fraction, encoding: Encoding) -> None:
        """Create the file at `path`; width and height are even. Raises OutputError where nothing can be written."""
        assert width % 2 == height % 2 == 0, (width, height)
        self.bytes = 0
        """What the encoder has made so far."""
        self._scaled = PictureScaler(width, height)
        self._tick = 1 / fps
        self._count = 0
        self._movie = MovieFile(path, container_format="mp4", metadata={})
        with self._movie.writing():
            stream = self._movie.container.add_stream(
                "libx264",
                rate=fps,
                options={
                    "crf": str(encoding.crf),
                    "preset": encoding.preset,
                    "threads": str(encoding.threads),
                    "g": str(_BETWEEN_WHOLE_PICTURES),
                    "bf": "0",
                    "flags": "+bitexact",
                },
                width=width,
                height=height,
                pix_fmt=PIXEL_FORMAT,
            )
            assert isinstance(stream, VideoStream)
            _tag_bt709(stream)
            self._stream = stream
            # The index in front, so that a browser can begin with what it has.
            self._movie.start({"movflags": "+faststart"})

    def write(self, picture: VideoFrame) -> None:
        """Take the next picture, and scale it. Raises OutputError."""
        with self._movie.writing():
            shown = self._scaled(picture)
            shown.pts, shown.time_base = self._count, self._tick
            # That of the file it came from, which would be forced upon the encoder.
            shown.pict_type = PictureType.NONE
            self._count += 1
            self._mux(shown)

    def close(self) -> None:
        """Finish the file and see it on the disk. Raises OutputError."""
        if not self._movie.closed:
            with self._movie.writing():
                self._mux(None)
                self._movie.finish()

    def discard(self) -> None:
        """Remove the file, unless it was closed."""
        self._movie.discard()

    def _mux(self, picture: VideoFrame | None) -> None:
        packets = self._stream.encode(picture)
        self.bytes += sum(packet.size for packet in packets)
        self._movie.mux(packets)


class PictureScaler:
    """Pictures to one size, in the luma and chroma of BT.709 and the range of television."""

    def __init__(self, width: int, height: int) -> None:
        self._size = {"width": width, "height": height}
        self._reformatter = VideoReformatter()

    def __call__(self, picture: VideoFrame) -> VideoFrame:
        """The picture itself where nothing is to be done to it."""
        return self._reformatter.reformat(
            picture,
            **self._size,
            format=PIXEL_FORMAT,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG if picture.format.name == PIXEL_FORMAT else ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
            threads=1,
        )


def _tag_bt709(stream: VideoStream) -> None:
    stream.color_primaries = ColorPrimaries.BT709
    stream.color_trc = ColorTrc.BT709
    stream.colorspace = Colorspace.ITU709
    stream.color_range = ColorRange.MPEG
