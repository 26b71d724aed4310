"""One stream of frames to everyone who wants it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from s2v_runner.video.sinks import FrameSink


@dataclass(frozen=True)
class FrameSummary:
    """What is known of a video once its frames have gone by."""

    count: int
    height: int
    width: int
    sha256: str
    """Of the raw frames, 8-bit RGB, row by row."""


class FrameTee:
    """Hands frames on to several sinks, and keeps their hash and the one in the middle. Never holds the video."""

    def __init__(self, sinks: Sequence[FrameSink], num_frames: int) -> None:
        self._sinks = sinks
        self._middle_index = num_frames // 2
        self._digest = hashlib.sha256()
        self._count = 0
        self._middle: np.ndarray | None = None

    def write(self, frames: np.ndarray) -> None:
        """The next frames, [frames, rows, columns, 3], 8 bits. Raises OutputError."""
        frames = np.ascontiguousarray(frames)
        self._digest.update(frames.data)
        offset = self._middle_index - self._count
        if 0 <= offset < len(frames):
            self._middle = frames[offset].copy()
        self._count += len(frames)
        for sink in self._sinks:
            sink.write(frames)

    @property
    def middle(self) -> np.ndarray:
        """The frame in the middle, once it has gone by."""
        assert self._middle is not None
        return self._middle

    def close(self) -> FrameSummary:
        """Finish every sink. Raises OutputError."""
        for sink in self._sinks:
            sink.close()
        height, width = self.middle.shape[:2]
        return FrameSummary(self._count, height, width, self._digest.hexdigest())

    def discard(self) -> None:
        """Give up what was begun."""
        for sink in self._sinks:
            sink.discard()
