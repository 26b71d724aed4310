"""The pose of one person, frame after frame."""

from dataclasses import dataclass

import numpy as np

from s2v_runner.inputs.extraction.detection import Detector
from s2v_runner.inputs.extraction.estimation import Estimator
from s2v_runner.inputs.extraction.settings import ExtractionSettings
from s2v_runner.inputs.extraction.skeleton import JOINTS, pose_of
from s2v_runner.inputs.extraction.tracking import Tracker

_HELD = 0.5
"""Seconds for which a pose stays where the person is not to be seen."""
_RETURN = 1.2
"""How many times more certain than drawn joints a joint must be that was hidden.

A joint whose certainty is about the threshold would otherwise flicker.
"""


@dataclass(frozen=True)
class DrawnPose:
    """What is to be drawn of a frame."""

    places: np.ndarray
    """Columns and rows in the frame [60, 2], in shares of its width and height."""
    shown: np.ndarray
    """Which joints are drawn [60]."""


NO_POSE = DrawnPose(np.zeros((JOINTS, 2), np.float32), np.zeros(JOINTS, bool))


class Follower:
    """Finds the person in each frame, and their joints."""

    def __init__(self, settings: ExtractionSettings) -> None:
        """Loads the models. Raises InputError for what is no such model."""
        self._settings = settings
        self._detector = Detector(settings.detector, settings.device)
        self._estimator = Estimator(settings.estimator, settings.device)
        self._tracker = Tracker(settings.person)
        self._joints = Joints(settings.joint_threshold)
        self._pose = NO_POSE
        self._seen: float | None = None
        self._jumps = 0
        self.frames_with_person = 0
        self.frames_held = 0
        """Without the person, in which the last pose stays."""
        self._confidence = 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """How the models are run, where that is not as asked."""
        return self._detector.warnings or self._estimator.warnings

    @property
    def people(self) -> int:
        return self._tracker.people

    @property
    def jumps(self) -> int:
        return self._tracker.jumps

    @property
    def mean_confidence(self) -> float:
        """Of the joints that were drawn, over the frames in which the person was seen."""
        return self._confidence / self.frames_with_person if self.frames_with_person else 0.0

    def look(self, rgb: np.ndarray, time: float) -> DrawnPose:
        """The pose in a frame [rows, columns, 3], 8 bits, that is shown at `time`, in seconds."""
        height, width = rgb.shape[:2]
        people = self._detector.find(rgb, self._settings.person_threshold)
        person = self._tracker.follow(people, time, (height, width))
        if person is None:
            return self._without_person(time)
        if self._tracker.jumps > self._jumps or (self._seen is not None and time - self._seen > _HELD):
            self._joints = Joints(self._settings.joint_threshold)
            self._jumps = self._tracker.jumps
        pose = pose_of(self._estimator.estimate(rgb, person))
        shown = self._joints.show(pose.scores)
        if not shown.any():
            return self._without_person(time)
        self.frames_with_person += 1
        self._confidence += float(pose.scores[shown].mean())
        self._seen = time
        self._pose = DrawnPose(pose.places / np.array([width, height], np.float32), shown)
        return self._pose

    def _without_person(self, time: float) -> DrawnPose:
        if self._seen is None or time - self._seen > _HELD:
            return NO_POSE
        self.frames_held += 1
        return self._pose


class Joints:
    """Which joints are drawn: those that are certain enough, and of those that were hidden the plainly certain."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._shown: np.ndarray | None = None

    def show(self, scores: np.ndarray) -> np.ndarray:
        """Which are drawn [joints] of joints that are as certain as this [joints]."""
        shown = scores >= self._threshold
        if self._shown is not None:
            shown &= self._shown | (scores >= self._threshold * _RETURN)
        self._shown = shown
        return shown
