"""Where finished frames go."""

from abc import abstractmethod
from types import TracebackType
from typing import Protocol, Self

import numpy as np


class FrameSink(Protocol):
    """Takes the frames of one video in order, a few at a time.

    All three raise OutputError where something cannot be written. Nothing of the video is left then, and closing
    or discarding it does nothing more.
    """

    @abstractmethod
    def write(self, frames: np.ndarray) -> None:
        """Take the next frames, [frames, rows, columns, 3], 8-bit RGB."""

    @abstractmethod
    def close(self) -> None:
        """Finish the video. Closing it again does nothing."""

    @abstractmethod
    def discard(self) -> None:
        """Give the video up and remove what there is of it. One that was closed stays."""


class ScopedSink(FrameSink):
    """A sink for a `with` statement, which closes it at the end and discards it on an exception."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.discard()
