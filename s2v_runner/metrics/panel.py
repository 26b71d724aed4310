"""All gauges of a video beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.defects import DefectGauge
from s2v_runner.metrics.detail import DetailGauge
from s2v_runner.metrics.faces import FaceTrack, FixedFace, FoundFace
from s2v_runner.metrics.light import LightGauge, PictureGauge
from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.motion import FlickerGauge, MotionGauge, SeamGauge
from s2v_runner.metrics.mouth import MouthGauge
from s2v_runner.metrics.observer import Observer
from s2v_runner.metrics.views import Box, Gauge


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is known of a video."""

    picture_rgb: np.ndarray
    """The picture that was given, fitted to the frame, [rows, columns, 3], 8 bits."""
    samples: np.ndarray
    """The speech, mono, float32, from the first frame on."""
    rate: int
    fps: float
    clip_starts: Sequence[int]
    """The first frame of each clip in the finished video."""
    num_frames: int
    face: Box | None
    """Where the face is said to be; None is to be looked for."""
    mouth: Box | None


@dataclass(frozen=True)
class Reading:
    """What was measured."""

    measures: Mapping[str, Measure]
    """For each metric of the catalogue."""
    clips: Mapping[str, Sequence[float]]
    """By metric its value over each clip, for some."""


class Panel:
    """Shows every frame to every gauge. Raises nothing for what a video is like: measures have their reasons."""

    def __init__(self, video: Measured) -> None:
        self._video = video
        self._face = _choose_face(video)
        self._observer = Observer(self._face)
        self._picture = PictureGauge(video.picture_rgb)
        self._gauges: tuple[Gauge, ...] = (
            MouthGauge(video.samples, video.rate, video.fps, video.mouth),
            self._picture,
            SeamGauge(),
            MotionGauge(),
            FlickerGauge(),
            DetailGauge(),
            LightGauge(),
            DefectGauge(),
        )
        self._count = 0

    def take(self, frames: np.ndarray, finite: Sequence[bool]) -> None:
        """The next frames, [frames, rows, columns, 3], 8 bits, and which of them were numbers before."""
        for frame, is_finite in zip(frames, finite, strict=True):
            clip = int(np.searchsorted(self._video.clip_starts, self._count, side="right")) - 1
            view = self._observer.see(frame, clip, is_finite)
            for gauge in self._gauges:
                gauge.take(view)
            self._count += 1

    def read(self) -> Reading:
        """Everything, once all frames have gone by."""
        found = {key: measure for gauge in self._gauges for key, measure in gauge.read().items()}
        found["sound_excess"] = known(len(self._video.samples) / self._video.rate - self._count / self._video.fps)
        if self._face.problem is not None:
            found |= {key: unknown(self._face.problem) for key in _OF_FACES if found[key].value is None}
        none = unknown("it was not asked for")
        return Reading(
            {metric.key: found.get(metric.key, none) for metric in VIDEO_METRICS}, self._picture.read_clips()
        )


_OF_FACES = ("mouth_r", "mouth_lag", "mouth_stillness")


def _choose_face(video: Measured) -> FaceTrack:
    if video.face is not None:
        return FixedFace(video.face)
    return FoundFace(cv2.cvtColor(video.picture_rgb, cv2.COLOR_RGB2GRAY))
