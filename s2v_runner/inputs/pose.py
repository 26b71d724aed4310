"""The pose video, one frame for every frame that is made."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError

from s2v_runner.errors import InputError
from s2v_runner.records import Compat

# Seconds by which a stamp may be late of the time that was meant: some containers count in whole milliseconds.
_STAMP_ROUNDING = 1e-3


def read_pose(path: Path, frames: int, lead: int, fps: int, compat: Compat) -> Iterator[np.ndarray]:
    """Up to `frames` pose frames [rows, columns, 3], 8 bits, `fps` a second; fewer when the video is shorter.

    With timestamps the first `lead` frames stand before the beginning and see its first frame, so that frame
    `lead` is the pose at time 0. Raises InputError for a file that is missing or has no frames.
    """
    if not path.is_file():
        raise InputError(f"pose_video '{path}'", "there is no such file", "Give the path of a pose video")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"pose_video '{path}'", "it has no pictures in it", "Give a pose video")
            yield from _SAMPLINGS[compat.pose_sampling](container, frames, lead, fps)
    except FFmpegError as error:
        raise InputError(
            f"pose_video '{path}'", f"it cannot be read as a video ({error})", "Give an MP4 or the like"
        ) from error


def _by_stride(container: InputContainer, frames: int, lead: int, fps: int) -> Iterator[np.ndarray]:
    """Every n-th frame from the first on. Source: `read_last_n_frames` of the original."""
    stream = container.streams.video[0]
    rate = float(stream.average_rate) if stream.average_rate else float(fps)
    stride = max(1, round(rate / fps))
    for index, frame in enumerate(container.decode(stream)):
        if index >= frames * stride:
            return
        if index % stride == 0:
            yield frame.to_ndarray(format="rgb24")


def _by_timestamps(container: InputContainer, frames: int, lead: int, fps: int) -> Iterator[np.ndarray]:
    """At each moment the frame that is on show then, whatever rate the video has and however it varies."""
    stream = container.streams.video[0]
    made = 0
    shown: av.VideoFrame | None = None
    begin: float | None = None
    for frame in container.decode(stream):
        if frame.time is None:
            continue
        begin = frame.time if begin is None else begin
        while shown is not None and made < frames and (made - lead) / fps < frame.time - begin - _STAMP_ROUNDING:
            yield shown.to_ndarray(format="rgb24")
            made += 1
        if made >= frames:
            return
        shown = frame
    if shown is None or shown.time is None or begin is None:
        return
    length = float(shown.duration * shown.time_base) if shown.duration and shown.time_base else 1 / fps
    end = shown.time - begin + length
    while made < frames and (made - lead) / fps < end - _STAMP_ROUNDING:
        yield shown.to_ndarray(format="rgb24")
        made += 1


_SAMPLINGS: dict[str, Callable[[InputContainer, int, int, int], Iterator[np.ndarray]]] = {
    "stride": _by_stride,
    "timestamps": _by_timestamps,
}
