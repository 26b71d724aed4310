"""The sound of a finished video as a small file of its own."""

from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError

from s2v_runner.errors import InputError
from s2v_runner.video.movie import MovieFile

_CODEC = "aac"
_LAYOUT, _SAMPLES = "mono", "fltp"


def write_sound(path: Path, video: Path, kbps: int) -> None:
    """Write the sound of a video as mono AAC in an MP4 file, at the rate it has there.

    Raises OutputError, InputError for a video that cannot be read or has no sound.
    """
    movie = MovieFile(path, container_format="mp4", metadata={})
    try:
        _copy_sound(movie, video, kbps)
    except BaseException:
        movie.discard()
        raise


def seconds_of(path: Path) -> float:
    """How long a file of sound plays. Raises InputError where it cannot be read."""
    try:
        with av.open(f"file:{path}") as container:
            return (container.duration or 0) / av.time_base
    except (FFmpegError, OSError) as error:
        raise _unreadable(path, error) from error


def _copy_sound(movie: MovieFile, video: Path, kbps: int) -> None:
    try:
        container = av.open(f"file:{video}")
    except (FFmpegError, OSError) as error:
        raise _unreadable(video, error) from error
    with container:
        if not container.streams.audio:
            raise InputError(f"video '{video}'", "it has no sound", "Make it again")
        rate = container.streams.audio[0].rate
        resampler = AudioResampler(format=_SAMPLES, layout=_LAYOUT, rate=rate)
        with movie.writing():
            stream = movie.container.add_stream(
                _CODEC, rate=rate, options={"flags": "+bitexact"}, bit_rate=kbps * 1000, layout=_LAYOUT
            )
            movie.start({"movflags": "+faststart", "movie_timescale": str(rate)})
        position = 0
        frames = container.decode(audio=0)
        while (frame := _next_frame(frames, video)) is not None:
            with movie.writing():
                position = _encode(movie, stream, resampler.resample(frame), position, rate)
        with movie.writing():
            _encode(movie, stream, resampler.resample(None), position, rate)
            movie.mux(stream.encode(None))
            movie.finish()


def _next_frame(frames, video: Path) -> AudioFrame | None:
    try:
        return next(frames, None)
    except (FFmpegError, OSError) as error:
        raise _unreadable(video, error) from error


def _encode(movie: MovieFile, stream: AudioStream, frames: list[AudioFrame], position: int, rate: int) -> int:
    """Encode frames one after the other; the sample at which the next begins."""
    for frame in frames:
        frame.pts, frame.time_base = position, Fraction(1, rate)
        position += frame.samples
        movie.mux(stream.encode(frame))
    return position


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"video '{path}'", f"its sound cannot be read ({error})", "Make it again")
