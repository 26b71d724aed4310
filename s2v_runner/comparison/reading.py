"""A sweep as it lies on disk, finished or not."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from s2v_runner.errors import InputError
from s2v_runner.prepare import DRAWN_SEED
from s2v_runner.tracking.definition import PointDefinition, SweepDefinition, read_definition
from s2v_runner.tracking.folder import is_alive
from s2v_runner.tracking.progress import PointProgress, read_progress
from s2v_runner.tracking.record import Record
from s2v_runner.tracking.recorder import VANISHED
from s2v_runner.video.reading import open_video

PointStatus = Literal["FINISHED", "FAILED", "KILLED", "RUNNING", "MISSING", "LOST"]
"""That of the record; MISSING was not begun, LOST was finished and its video cannot be had."""

_WITHOUT_LOSS = ".mkv"


@dataclass(frozen=True, kw_only=True)
class Footage:
    """The video of a finished point."""

    video: Path
    measured: Path
    """What is measured: its frames without loss where they were kept, else the video itself."""
    latents: Path | None
    """The folder of the latents of its clips; None where they were not kept."""
    width: int
    height: int
    frames: int
    fps: Fraction
    bytes: int
    """Of the video file."""
    sha256: str
    """Of the frames as they were made."""
    key: str
    """Equal for what is measured alike."""

    @property
    def seconds(self) -> float:
        return float(self.frames / self.fps)


@dataclass(frozen=True, kw_only=True)
class ComparedPoint:
    """A point as it stands."""

    definition: PointDefinition
    folder: Path
    record: Record | None
    status: PointStatus
    error: str | None
    """What ended it, or what is wrong with what it left."""
    footage: Footage | None
    """None unless it is FINISHED."""

    @property
    def number(self) -> int:
        return self.definition.number


@dataclass(frozen=True)
class ComparedSweep:
    """A sweep and its points, in their order."""

    folder: Path
    definition: SweepDefinition
    points: tuple[ComparedPoint, ...]


def read_sweep(folder: Path) -> ComparedSweep:
    """Everything there is of a sweep. Raises InputError where its definition cannot be read."""
    definition = read_definition(folder)
    points = tuple(_read_point(_of_seed(point, definition)) for point in read_progress(folder, definition))
    return ComparedSweep(folder, definition, points)


def _of_seed(point: PointProgress, definition: SweepDefinition) -> PointProgress:
    """The point; one that was made with another seed than was drawn for the sweep since has not been begun."""
    record, drawn = point.record, definition.base_seed
    if record is None or drawn in (None, record.base_seed) or record.requested.get("base_seed") != DRAWN_SEED:
        return point
    return replace(point, record=None)


def _read_point(point: PointProgress) -> ComparedPoint:
    record, status, error, footage = point.record, _status_of(point), None, None
    if record is None:
        error = point.problem and f"its record cannot be used: {point.problem}"
    elif status == "FINISHED":
        try:
            footage = read_footage(point.folder, record)
        except InputError as problem:
            status, error = "LOST", problem.problem
    else:
        error = record.error or (VANISHED if status == "KILLED" else None)
    return ComparedPoint(
        definition=point.definition, folder=point.folder, record=record, status=status, error=error, footage=footage
    )


def _status_of(point: PointProgress) -> PointStatus:
    if point.record is None:
        return "MISSING" if point.problem is None else "LOST"
    if point.record.status == "RUNNING" and not is_alive(point.folder):
        return "KILLED"
    return point.record.status


def read_footage(folder: Path, record: Record) -> Footage:
    """Raises InputError where the video is not what the record says."""
    video = folder / record.files.get("video", "video.mp4")
    if not video.is_file():
        raise InputError(f"video '{video}'", f"'{video.name}' is gone", "Make it again")
    if record.frames is None:
        raise InputError(f"record of '{folder}'", "its record says nothing of the frames", "Make it again")
    frames = record.frames
    with open_video(video) as reader:
        facts = reader.facts
    if (facts.width, facts.height) != (frames["width"], frames["height"]):
        problem = f"'{video.name}' is {facts.width}x{facts.height}, and {frames['width']}x{frames['height']} was made"
        raise InputError(f"video '{video}'", problem, "Make it again")
    kept = folder / record.files.get("frames", video.name)
    measured = kept if kept.suffix == _WITHOUT_LOSS and kept.is_file() else video
    latents = folder / record.files["latents"] if "latents" in record.files else None
    return Footage(
        video=video,
        latents=latents if latents is not None and latents.is_dir() else None,
        measured=measured,
        width=facts.width,
        height=facts.height,
        frames=frames["count"],
        fps=facts.fps,
        bytes=video.stat().st_size,
        sha256=frames["sha256"],
        key=f"{frames['sha256']} {measured.name} {measured.stat().st_size}",
    )
