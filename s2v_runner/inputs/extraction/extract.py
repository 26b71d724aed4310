"""From an ordinary video to a video of drawn poses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from av.error import FFmpegError

from s2v_runner.digests import digest_input
from s2v_runner.errors import InputError, OutputError
from s2v_runner.inputs.extraction.detection import check_detector
from s2v_runner.inputs.extraction.drawing import draw_pose
from s2v_runner.inputs.extraction.estimation import check_estimator
from s2v_runner.inputs.extraction.person import DrawnPose, Follower
from s2v_runner.inputs.extraction.session import check_device, require_onnxruntime
from s2v_runner.inputs.extraction.settings import ExtractionSettings
from s2v_runner.inputs.extraction.video import PoseVideo, Source, drawn_size, open_source
from s2v_runner.records import Report, Value
from s2v_runner.replacement import replacing, unfinished_path

_VERSION = 1
"""Goes up whenever the same video and models give other poses."""
_FEW = 0.9
"""Of the frames; where the person is in fewer, the user should know."""


@dataclass(frozen=True)
class _Counts:
    frames: int
    seconds: float
    missing_seconds: float


def check_extraction(video: Path, settings: ExtractionSettings) -> None:
    """Raises InputError for everything that can be known to be wrong before it begins. Loads no model."""
    with open_source(video, None):
        pass
    check_detector(settings.detector)
    check_estimator(settings.estimator)
    check_device(settings.device)
    require_onnxruntime()


def describe_extraction(settings: ExtractionSettings) -> Mapping[str, Value]:
    """All but the video that the poses depend on, by content and not by place: equal for equal poses."""
    return {
        "detector": digest_input(settings.detector),
        "estimator": digest_input(settings.estimator),
        "person_threshold": settings.person_threshold,
        "joint_threshold": settings.joint_threshold,
        "person": settings.person,
        "version": _VERSION,
    }


def extract_poses(video: Path, settings: ExtractionSettings, target: Path, seconds: float | None) -> Report:
    """Draw the poses of one person in a video into an MP4 file at `target`, which is there once it is whole.

    Each frame is shown when the video's is. Of the video no more than the first `seconds` are read, all of it where
    that is None, and one frame of it at a time. Where the person is not to be seen the last pose stays for half a
    second; after that, and before they come, the picture is black. Raises InputError for what the user can mend, such
    as a video with nobody in it, GenerationError where a model fails, OutputError where the file cannot be written.
    """
    check_extraction(video, settings)
    follower = Follower(settings)
    with open_source(video, seconds) as source:
        unfinished = unfinished_path(target)
        try:
            with replacing(target, unfinished) as file:
                counts = _draw_all(source, follower, file, unfinished)
                _require_person(video, settings, follower, counts)
        except (OSError, FFmpegError) as error:
            # What is wrong with the source is an InputError by now.
            raise OutputError(target, error) from error
    return _report(follower, counts)


def _draw_all(source: Source, follower: Follower, file: IO[bytes], path: Path) -> _Counts:
    drawn: PoseVideo | None = None
    size = (0, 0)
    frames = 0
    try:
        for frame in source:
            if drawn is None:
                size = drawn_size(*frame.rgb.shape[:2])
                drawn = PoseVideo(file, path, size, source.rate, source.tick)
            pose = follower.look(frame.rgb, float(frame.tick * source.tick))
            drawn.write(_draw(pose, size), frame.tick, frame.ticks)
            frames += 1
        if drawn is not None:
            drawn.finish()
    except BaseException:
        if drawn is not None:
            drawn.discard()
        raise
    return _Counts(frames, source.end, source.missing_seconds)


def _draw(pose: DrawnPose, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    return draw_pose(pose.places * (width, height), pose.shown, height, width)


def _require_person(video: Path, settings: ExtractionSettings, follower: Follower, counts: _Counts) -> None:
    key = f"pose.path '{video}'"
    if counts.frames == 0:
        raise InputError(key, "it has no pictures in it", "Give a video of a person")
    if follower.frames_with_person == 0:
        raise InputError(
            key,
            f"there is nobody to be seen in its {counts.frames} frames",
            f"Give a video of a person, or lower pose.person_threshold ({settings.person_threshold:g}) or"
            f" pose.joint_threshold ({settings.joint_threshold:g})",
        )


def _report(follower: Follower, counts: _Counts) -> Report:
    facts = {
        "frames": counts.frames,
        "seconds": round(counts.seconds, 3),
        "frames_with_person": follower.frames_with_person,
        "frames_held": follower.frames_held,
        "mean_confidence": round(follower.mean_confidence, 3),
        "persons_seen": follower.people,
        "jumps": follower.jumps,
    }
    words = (
        f"poses of {counts.seconds:.1f} s: a person in {follower.frames_with_person} of {counts.frames} frames,"
        f" their joints {follower.mean_confidence:.2f} certain"
    )
    return Report(facts, words, (*follower.warnings, *_warnings(follower, counts)))


def _warnings(follower: Follower, counts: _Counts) -> list[str]:
    warnings = []
    if counts.missing_seconds > 0:
        stated = counts.seconds + counts.missing_seconds
        warnings.append(f"the video in pose.path ends after {counts.seconds:.1f} s, though it says {stated:.1f} s")
    if follower.frames_with_person < _FEW * counts.frames:
        without = counts.frames - follower.frames_with_person
        warnings.append(
            f"the person is not to be seen in {without} of the {counts.frames} frames of pose.path;"
            f" {follower.frames_held} of these show the pose before, and the rest none"
        )
    if follower.jumps:
        often = "once" if follower.jumps == 1 else f"{follower.jumps} times"
        warnings.append(
            f"the person in pose.path was lost sight of, and {often} somebody at another place was taken for them:"
            " look at poses.mp4"
        )
    return warnings
