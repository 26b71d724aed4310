"""The frames as they were made, bit for bit: FFV1 in a Matroska file."""

from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from s2v_runner.video.movie import MovieFile, PictureTrack
from s2v_runner.video.sinks import ScopedSink

# The only 8-bit RGB that FFV1 takes.
_PIXEL_FORMAT = "bgr0"


class LosslessWriter(ScopedSink):
    """Writes pictures so that RGB in 8 bits comes back unchanged. The same twice gives the same bytes."""

    def __init__(self, *, path: Path, height: int, width: int, fps: int) -> None:
        """Create the file at `path`, whatever that is called. Raises OutputError where nothing can be written."""
        self._movie = MovieFile(path, container_format="matroska", metadata={})
        self._reformatter = VideoReformatter()
        with self._movie.writing():
            stream = self._movie.container.add_stream(
                "ffv1",
                rate=fps,
                # Version 3 with a checksum of every slice; every picture stands for itself.
                options={"level": "3", "slicecrc": "1", "g": "1", "threads": "1", "flags": "+bitexact"},
                height=height,
                width=width,
                pix_fmt=_PIXEL_FORMAT,
            )
            assert isinstance(stream, VideoStream)
            self._pictures = PictureTrack(stream, height, width, fps, self._convert)
            self._movie.start({})

    def write(self, frames: np.ndarray) -> None:
        """Take the next frames, [frames, height, width, 3], 8-bit RGB.

        Raises OutputError, ValueError for frames of another shape.
        """
        self._pictures.check(frames)
        with self._movie.writing():
            for pixels in frames:
                self._movie.mux(self._pictures.encode(pixels))

    def close(self) -> None:
        """Finish the file and see it on the disk. Raises OutputError."""
        if self._movie.closed:
            return
        with self._movie.writing():
            self._movie.mux(self._pictures.flush())
            self._movie.finish()

    def discard(self) -> None:
        self._movie.discard()

    def _convert(self, picture: VideoFrame) -> VideoFrame:
        return self._reformatter.reformat(picture, format=_PIXEL_FORMAT, threads=1)
