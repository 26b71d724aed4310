"""Video files, opened: those of drawn poses, and those that poses are taken from."""

from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from s2v_runner.errors import InputError
from s2v_runner.inputs.places import check_file

EARLY_END = 0.5
"""Seconds by which the pictures may end before their header says; sound may be longer than pictures."""


def open_film(path: Path, meant: str) -> InputContainer:
    """A file with moving pictures. `meant` is what to give in its place, such as `a pose video`.

    Raises InputError for a file that is missing, is no video, or has no pictures.
    """
    key = f"pose.path '{path}'"
    check_file(key, path, f"Give the path of {meant}")
    try:
        # Named as a file, or a colon in its name would make it a protocol; and it may not lead to others.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (FFmpegError, OSError) as error:
        problem = f"it cannot be read as a video ({reason_of(error)})"
        raise InputError(key, problem, "Give an MP4 or the like") from error
    if all(is_cover(stream) for stream in container.streams.video):
        container.close()
        raise refuse_empty(path, meant)
    return container


def refuse_empty(path: Path, meant: str) -> InputError:
    """What to raise for a video without a picture."""
    return InputError(f"pose.path '{path}'", "it has no pictures in it", f"Give {meant}")


def stated_seconds(container: InputContainer) -> float | None:
    """How long the pictures last, as the header says; None where it does not."""
    stream = container.streams.video[0]
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Some containers know one length for all they hold.
    if container.duration and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def is_cover(stream: VideoStream) -> bool:
    """Whether it is the picture on the cover of a recording, which is none of a video."""
    return Disposition.attached_pic in stream.disposition


def reason_of(error: Exception) -> str:
    """FFmpeg's or the system's own words for it."""
    return str(getattr(error, "strerror", None) or error)
