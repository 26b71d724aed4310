"""All gauges of a video beside each other."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.defects import DefectGauge
from s2v_runner.metrics.detail import DetailGauge
from s2v_runner.metrics.faces import FaceTrack
from s2v_runner.metrics.light import LightGauge, PictureGauge
from s2v_runner.metrics.measures import Measure, Reading, known, unknown
from s2v_runner.metrics.motion import FlickerGauge, MotionGauge, SeamGauge
from s2v_runner.metrics.mouth import MouthGauge
from s2v_runner.metrics.observer import Observer
from s2v_runner.metrics.views import Box, Gauge, View


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
    mouth: Box | None
    """Where the mouth is said to be; None is where it is in the face."""


class Panel:
    """Shows every frame to every gauge. Raises nothing for what a video is like: measures have their reasons."""

    def __init__(
        self, video: Measured, face: FaceTrack, further: Sequence[Gauge], reasons: Mapping[str, Measure]
    ) -> None:
        """`further` gauges are those of networks; `reasons` say of the others' metrics why they are not known."""
        self._video = video
        self._face = face
        self._reasons = reasons
        self._observer = Observer(face)
        self._picture = PictureGauge(video.picture_rgb)
        self._problems: list[str] = []
        self._gauges: Sequence[Gauge] = (
            MouthGauge(video.samples, video.rate, video.fps, video.mouth),
            self._picture,
            SeamGauge(),
            MotionGauge(),
            FlickerGauge(),
            DetailGauge(),
            LightGauge(),
            DefectGauge(),
            *further,
        )
        self._count = 0

    def take(self, frames: np.ndarray, finite: Sequence[bool]) -> None:
        """The next frames, [frames, rows, columns, 3], 8 bits, and which of them were numbers before."""
        for frame, is_finite in zip(frames, finite, strict=True):
            if self._gauges:
                view = self._observe(frame, is_finite)
                self._gauges = [gauge for gauge in self._gauges if view and self._is_shown(view, gauge)]
            self._count += 1

    def _observe(self, frame: np.ndarray, is_finite: bool) -> View | None:
        """None where it fails: what comes after a frame that nobody saw cannot be told."""
        clip = int(np.searchsorted(self._video.clip_starts, self._count, side="right")) - 1
        with self._unharmed("the observer"):
            return self._observer.see(frame, clip, is_finite)
        return None

    def _is_shown(self, view: View, gauge: Gauge) -> bool:
        """Show a view to a gauge; one that fails is not shown another."""
        failed = len(self._problems)
        with self._unharmed(type(gauge).__name__):
            gauge.take(view)
        return failed == len(self._problems)

    @contextmanager
    def _unharmed(self, what: str) -> Iterator[None]:
        """Notes what goes wrong inside: a video that took an hour matters more than what is said of it."""
        try:
            yield
        except Exception as error:
            self._problems.append(f"{what} failed at frame {self._count}: {type(error).__name__}: {error}")

    def read(self) -> Reading:
        """Everything, once all frames have gone by."""
        found = dict(self._reasons)
        clips: dict[str, Sequence[float]] = {}
        for gauge in self._gauges:
            with self._unharmed(type(gauge).__name__):
                found |= gauge.read()
        if self._picture in self._gauges:
            clips |= self._picture.read_clips()
        found["sound_excess"] = known(len(self._video.samples) / self._video.rate - self._count / self._video.fps)
        if self._face.problem is not None:
            sought = _OF_FACES if self._video.mouth is not None else (*_OF_MOUTHS, *_OF_FACES)
            asked = [key for key in sought if key in found and key not in self._reasons]
            found |= {key: unknown(self._face.problem) for key in asked if found[key].value is None}
        none = unknown("its measuring failed")
        measures = {metric.key: found.get(metric.key, none) for metric in VIDEO_METRICS}
        return Reading(measures, clips, tuple(dict.fromkeys(self._problems)))


_OF_MOUTHS = ("mouth_r", "mouth_lag", "mouth_motion", "mouth_stillness")
_OF_FACES = ("sync_c", "sync_d", "sync_offset", "face_similarity")
