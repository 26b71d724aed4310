"""The pose video, one frame for every frame that is made."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from s2v_runner.errors import InputError
from s2v_runner.geometry import Placement, place
from s2v_runner.inputs.films import EARLY_END, open_film, reason_of, refuse_empty, stated_seconds
from s2v_runner.inputs.places import check_file
from s2v_runner.records import Compat, Report, RunPlan, Value

# Seconds by which a stamp may be late of the time that was meant: some containers count in whole milliseconds.
_STAMP_ROUNDING = 1e-3
_MEANT = "a pose video"
_QUARTER = 90
_VIDEOS_KNOWN = 1024
# A rounding of the size does not count as another aspect.
_MOST_CUT = 0.02

_Poses = Iterator[np.ndarray]


@dataclass(frozen=True, kw_only=True)
class PoseHeader:
    """What a pose video is, from its header and the stamps of its frames."""

    height: int
    width: int
    """As it is shown, turned where its metadata asks for it."""
    frames: int
    seconds: float
    """From the first frame to the end of the last."""
    fps: float | None
    """Of the header; None where it states none."""
    turned: bool


def probe_pose(path: Path, fps: int) -> PoseHeader:
    """Look into a pose video: its first frame is decoded, and where it ends is read from the stamps of the others.

    A video that states no rate has `fps` frames a second. Raises InputError for a file that is missing, is no video,
    has no frames, or ends long before its header says.
    """
    check_file(f"pose.path '{path}'", path, f"Give the path of {_MEANT}")
    state = path.stat()
    return _probe(path, fps, state.st_size, state.st_mtime_ns)


# The points of a sweep ask for the same few videos again and again.
@lru_cache(maxsize=_VIDEOS_KNOWN)
def _probe(path: Path, fps: int, _size: int, _time: int) -> PoseHeader:
    with _decoding(path) as container:
        stream = container.streams.video[0]
        first = next(container.decode(stream), None)
        if first is None:
            raise refuse_empty(path, _MEANT)
        rows, columns = _upright(first).shape[:2]
        rate = float(stream.average_rate) if stream.average_rate else None
        turned = first.rotation != 0
    with _decoding(path) as container:
        count, seconds = _measure(container, rate or float(fps))
        _check_end(path, container, seconds)
    return PoseHeader(height=rows, width=columns, frames=count, seconds=seconds, fps=rate, turned=turned)


def read_pose(path: Path, frames: int, lead: int, fps: int, compat: Compat) -> Iterator[np.ndarray]:
    """Up to `frames` pose frames [rows, columns, 3], 8 bits, `fps` a second.

    The first `lead` frames stand before the beginning and see its first frame, so that frame `lead` is the pose
    at time 0. Past the end of the video its last pose is held, or it begins again; with `compat.pose_end` black there
    are fewer frames. The file is looked into at once and read as the frames are asked for. Raises InputError for a file
    that is missing, has no frames or breaks off.
    """
    probe_pose(path, fps)
    poses = _ENDS[compat.pose_end](partial(_read, path, fps, compat))
    return islice(chain(*_led(poses, lead)), frames)


def report_pose(path: Path, plan: RunPlan, fps: int, compat: Compat) -> Report:
    """What is done to a pose video on its way into a run. Raises InputError like `probe_pose`."""
    header = probe_pose(path, fps)
    placed = place(header.height, header.width, plan.height, plan.width, compat.picture_fit)
    wanted = plan.num_frames + plan.lead_frames - plan.lead_silence
    there = _count_sampled(header, fps, compat)
    missing = max(0, wanted - there) / fps
    facts: dict[str, Value] = {
        "fps": header.fps,
        "frames": header.frames,
        "seconds": header.seconds,
        "width": header.width,
        "height": header.height,
        "turned": header.turned,
        "frames_used": min(wanted, there),
        "end": compat.pose_end,
        "seconds_after_end": missing,
        "fit": compat.picture_fit,
        "scale": placed.scale,
        "cut_rows": placed.cut_rows,
        "cut_columns": placed.cut_columns,
        "border_rows": sum(placed.row_padding),
        "border_columns": sum(placed.column_padding),
    }
    return Report(
        facts,
        ", ".join(_words(header, placed, facts)),
        tuple(_warnings(path, header, placed, plan, missing, compat.pose_end)),
    )


def _words(header: PoseHeader, placed: Placement, facts: dict[str, Value]) -> Iterator[str]:
    rate = "no rate stated" if header.fps is None else f"{header.fps:.4g} fps"
    yield f"{header.width}x{header.height}, {rate}, {header.seconds:.2f} s"
    yield "1 pose used" if facts["frames_used"] == 1 else f"{facts['frames_used']} poses used"
    if header.turned:
        yield "turned upright"
    yield f"scaled by {placed.scale:.3g}"
    if placed.words:
        yield placed.words
    if facts["seconds_after_end"]:
        yield f"{_ENDINGS[str(facts['end'])]} for the last {facts['seconds_after_end']:.2f} s"


def _warnings(
    path: Path, header: PoseHeader, placed: Placement, plan: RunPlan, missing: float, end: str
) -> Iterator[str]:
    if placed.cut_share > _MOST_CUT:
        yield (
            f"{placed.cut_share:.0%} of the poses in '{path}' is cut away ({placed.words}): they are "
            f"{header.width}x{header.height}, the frame {plan.width}x{plan.height}"
        )
    if missing > EARLY_END:
        ending = f"{_ENDINGS[end]} from there on (pose.end={end})"
        yield f"pose.path '{path}' ends {missing:.2f} s before the video does: {ending}"


def _count_sampled(header: PoseHeader, fps: int, compat: Compat) -> int:
    """How many frames `read_pose` makes of the video itself, those that are thrown away left out."""
    if compat.pose_sampling == "stride":
        return math.ceil(header.frames / _stride(header.fps or float(fps), fps))
    return max(1, math.ceil((header.seconds - _STAMP_ROUNDING) * fps))


@contextmanager
def _decoding(path: Path) -> Iterator[InputContainer]:
    try:
        with open_film(path, _MEANT) as container:
            yield container
    except (FFmpegError, OSError) as error:
        problem = f"it breaks off ({reason_of(error)})"
        raise InputError(f"pose.path '{path}'", problem, "Copy or export it again") from error


def _measure(container: InputContainer, rate: float) -> tuple[int, float]:
    """Frames, and seconds from the first to the end of the last, undecoded."""
    count, begins, ends = 0, math.inf, -math.inf
    for packet in container.demux(container.streams.video[0]):
        if not packet.size:
            continue
        stamp = count / rate
        length = 1 / rate
        if packet.pts is not None and packet.time_base is not None:
            stamp = float(packet.pts * packet.time_base)
            length = float(packet.duration * packet.time_base) if packet.duration else length
        count += 1
        begins, ends = min(begins, stamp), max(ends, stamp + length)
    return count, ends - begins if count else 0.0


def _check_end(path: Path, container: InputContainer, seconds: float) -> None:
    told = stated_seconds(container)
    if told is not None and seconds < told - EARLY_END:
        problem = f"it breaks off after {seconds:.2f} of {told:.2f} s"
        raise InputError(f"pose.path '{path}'", problem, "Copy or export it again")


def _held(read: Callable[[], _Poses]) -> _Poses:
    last = None
    for last in read():
        yield last
    if last is not None:
        yield from repeat(last)


def _looped(read: Callable[[], _Poses]) -> _Poses:
    while True:
        yield from read()


def _once(read: Callable[[], _Poses]) -> _Poses:
    return read()


_ENDS: dict[str, Callable[[Callable[[], _Poses]], _Poses]] = {"hold": _held, "loop": _looped, "black": _once}
_ENDINGS = {"hold": "held", "loop": "repeated from the beginning", "black": "black"}


def _led(poses: _Poses, lead: int) -> Iterator[_Poses]:
    first = next(poses)
    yield repeat(first, lead + 1)
    yield poses


def _read(path: Path, fps: int, compat: Compat) -> _Poses:
    with _decoding(path) as container:
        yield from _SAMPLINGS[compat.pose_sampling](container, fps)


def _by_stride(container: InputContainer, fps: int) -> Iterator[np.ndarray]:
    """Every n-th frame from the first on. Source: `read_last_n_frames` of the original."""
    stream = container.streams.video[0]
    stride = _stride(_frame_rate(stream, fps), fps)
    for index, frame in enumerate(container.decode(stream)):
        if index % stride == 0:
            yield _upright(frame)


def _stride(rate: float, fps: int) -> int:
    return max(1, round(rate / fps))


def _by_timestamps(container: InputContainer, fps: int) -> Iterator[np.ndarray]:
    """At each moment the frame that is on show then, whatever rate the video has and however it varies.

    Frames without stamps, as raw streams have them, follow each other at the stream's average rate.
    """
    stream = container.streams.video[0]
    interval = 1 / _frame_rate(stream, fps)
    made = 0
    begin: float | None = None
    shown: VideoFrame | None = None
    end = 0.0
    for index, frame in enumerate(container.decode(stream)):
        stamp = frame.time if frame.time is not None else index * interval
        begin = stamp if begin is None else begin
        while shown is not None and made / fps < stamp - begin - _STAMP_ROUNDING:
            yield _upright(shown)
            made += 1
        shown = frame
        length = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else interval
        end = stamp - begin + length
    # However short, the first is shown.
    while shown is not None and (not made or made / fps < end - _STAMP_ROUNDING):
        yield _upright(shown)
        made += 1


def _upright(frame: VideoFrame) -> np.ndarray:
    """Its pixels [rows, columns, 3], turned as its metadata asks; counterclockwise, as numpy turns."""
    pixels = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / _QUARTER) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarters)) if quarters else pixels


def _frame_rate(stream: VideoStream, fps: int) -> float:
    """The stream's own rate, or one that takes every frame when it states none."""
    return float(stream.average_rate) if stream.average_rate else float(fps)


_SAMPLINGS: dict[str, Callable[[InputContainer, int], Iterator[np.ndarray]]] = {
    "stride": _by_stride,
    "timestamps": _by_timestamps,
}
