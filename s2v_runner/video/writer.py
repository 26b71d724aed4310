"""The finished video: H.264 and AAC in an MP4 file."""

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container.output import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from s2v_runner.video.movie import MovieFile, PictureTrack
from s2v_runner.video.sinks import ScopedSink
from s2v_runner.video.soundtrack import Soundtrack


class VideoWriter(ScopedSink):
    """Writes pictures and speech into one file as the pictures come. The same twice gives the same bytes.

    The video has exactly `num_frames` frames. The speech goes along from the first on, keeps its rate (48 kHz where
    AAC lacks it) and its channels, and ends with itself or the video, whichever is earlier; up to half a frame past
    the video it is kept.
    """

    def __init__(
        self,
        *,
        path: Path,
        height: int,
        width: int,
        fps: int,
        num_frames: int,
        audio: Path,
        crf: int,
        audio_kbps: int,
        metadata: Mapping[str, str],
    ) -> None:
        """Create the file at `path`, whatever that is called.

        `crf` is the constant rate factor of x264, 0 … 51, less being better; `audio_kbps` is for all channels
        together. Texts of `metadata` may be long and of any script; FFmpeg drops the key "encoder". Raises OutputError
        where nothing can be written, InputError for a recording that cannot be used, ValueError for a NUL in the
        metadata.
        """
        self._num_frames = num_frames
        self._movie = MovieFile(path, container_format="mp4", metadata=metadata)
        with self._movie.writing():
            container = self._movie.container
            stream = _add_h264(container, height, width, fps, crf)
            self._pictures = PictureTrack(stream, height, width, fps, _Bt709())
            self._sound = Soundtrack(audio, container, audio_kbps, Fraction(num_frames, fps), Fraction(1, 2 * fps))
            self._movie.close_with(self._sound.close)
            self._movie.start(
                {
                    # The index in front, for browsers to play at once; metadata of any name, beyond the usual few.
                    "movflags": "+faststart+use_metadata_tags",
                    # Lengths are stated in these units: both tracks fit without rounding.
                    "movie_timescale": str(math.lcm(self._sound.encoded_rate, fps)),
                }
            )

    def write(self, frames: np.ndarray) -> None:
        """Take the next frames, [frames, height, width, 3], 8-bit RGB.

        Raises OutputError, InputError for a recording that breaks off, ValueError for frames of another shape or
        more of them than were announced.
        """
        self._pictures.check(frames)
        if self._pictures.count + len(frames) > self._num_frames:
            raise ValueError(f"there are more than the {self._num_frames} frames that were announced")
        with self._movie.writing():
            for pixels in frames:
                self._movie.mux(self._pictures.encode(pixels))
                self._movie.mux(self._sound.encode_until(self._pictures.seconds))

    def close(self) -> None:
        """Finish the file and see it on the disk.

        Raises OutputError, InputError for a recording that breaks off, ValueError where frames are missing.
        """
        if self._movie.closed:
            return
        with self._movie.writing():
            if self._pictures.count < self._num_frames:
                raise ValueError(f"{self._pictures.count} frames came of the {self._num_frames} that were announced")
            self._movie.mux(self._pictures.flush())
            self._movie.mux(self._sound.finish())
            self._movie.finish()

    def discard(self) -> None:
        self._movie.discard()


def _add_h264(container: OutputContainer, height: int, width: int, fps: int, crf: int) -> VideoStream:
    stream = container.add_stream(
        "libx264",
        rate=fps,
        # One thread: with more, what x264 makes depends on their number.
        options={"crf": str(crf), "preset": "medium", "threads": "1", "flags": "+bitexact"},
        height=height,
        width=width,
        pix_fmt="yuv420p",
    )
    stream.color_primaries = ColorPrimaries.BT709
    stream.color_trc = ColorTrc.BT709
    stream.colorspace = Colorspace.ITU709
    stream.color_range = ColorRange.MPEG
    return stream


class _Bt709:
    """RGB to the luma and chroma of BT.709 in the range of television."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, picture: VideoFrame) -> VideoFrame:
        return self._reformatter.reformat(
            picture,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            # Rounded, where the default cuts off and so shifts chroma.
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
            threads=1,
        )
