"""The pose video, one frame for every frame that is made."""

from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from s2v_runner.errors import InputError
from s2v_runner.records import Compat

# Seconds by which a stamp may be late of the time that was meant: some containers count in whole milliseconds.
_STAMP_ROUNDING = 1e-3


def read_pose(path: Path, frames: int, lead: int, fps: int, compat: Compat) -> Iterator[np.ndarray]:
    """Up to `frames` pose frames [rows, columns, 3], 8 bits, `fps` a second; fewer when the video is shorter.

    The first `lead` frames stand before the beginning and see its first frame, so that frame `lead` is the pose
    at time 0. The file is looked into at once and read as the frames are asked for. Raises InputError for a file
    that is missing or has no frames.
    """
    try:
        if not path.is_file():
            raise InputError(f"pose.path '{path}'", "there is no such file", "Give the path of a pose video")
        with _open(path) as container:
            if not container.streams.video or next(container.decode(video=0), None) is None:
                raise InputError(f"pose.path '{path}'", "it has no pictures in it", "Give a pose video")
    except (FFmpegError, OSError) as error:
        raise InputError(
            f"pose.path '{path}'", f"it cannot be read as a video ({error})", "Give an MP4 or the like"
        ) from error
    return islice(chain(*_led(_read(path, fps, compat), lead)), frames)


def _open(path: Path) -> InputContainer:
    # Named as a file, or a colon in its name would make it a protocol.
    return av.open(f"file:{path}")


def _led(poses: Iterator[np.ndarray], lead: int) -> Iterator[Iterator[np.ndarray]]:
    first = next(poses)
    yield repeat(first, lead + 1)
    yield poses


def _read(path: Path, fps: int, compat: Compat) -> Iterator[np.ndarray]:
    try:
        with _open(path) as container:
            yield from _SAMPLINGS[compat.pose_sampling](container, fps)
    except FFmpegError as error:
        raise InputError(f"pose.path '{path}'", f"it breaks off ({error})", "Export it again") from error


def _by_stride(container: InputContainer, fps: int) -> Iterator[np.ndarray]:
    """Every n-th frame from the first on. Source: `read_last_n_frames` of the original."""
    stream = container.streams.video[0]
    stride = max(1, round(_frame_rate(stream, fps) / fps))
    for index, frame in enumerate(container.decode(stream)):
        if index % stride == 0:
            yield frame.to_ndarray(format="rgb24")


def _by_timestamps(container: InputContainer, fps: int) -> Iterator[np.ndarray]:
    """At each moment the frame that is on show then, whatever rate the video has and however it varies.

    Frames without stamps, as raw streams have them, follow each other at the stream's average rate.
    """
    stream = container.streams.video[0]
    interval = 1 / _frame_rate(stream, fps)
    made = 0
    begin: float | None = None
    shown: av.VideoFrame | None = None
    end = 0.0
    for index, frame in enumerate(container.decode(stream)):
        stamp = frame.time if frame.time is not None else index * interval
        begin = stamp if begin is None else begin
        while shown is not None and made / fps < stamp - begin - _STAMP_ROUNDING:
            yield shown.to_ndarray(format="rgb24")
            made += 1
        shown = frame
        length = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else interval
        end = stamp - begin + length
    while shown is not None and made / fps < end - _STAMP_ROUNDING:
        yield shown.to_ndarray(format="rgb24")
        made += 1


def _frame_rate(stream: VideoStream, fps: int) -> float:
    """The stream's own rate, or one that takes every frame when it states none."""
    return float(stream.average_rate) if stream.average_rate else float(fps)


_SAMPLINGS: dict[str, Callable[[InputContainer, int], Iterator[np.ndarray]]] = {
    "stride": _by_stride,
    "timestamps": _by_timestamps,
}
