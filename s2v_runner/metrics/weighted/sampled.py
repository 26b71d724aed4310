"""What is told of a few frames a second, and averaged over them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.metrics.views import View

LOOKS_PER_SECOND = 4
"""A face or a scene changes little in a quarter of a second, and these networks are slow where there is no GPU."""

NO_FACE = "no face was found; metrics.face=left,top,width,height says where it is"


def is_looked_at(index: int, fps: float) -> bool:
    """Whether a frame is the first of its quarter of a second."""
    return index == 0 or math.floor(index * LOOKS_PER_SECOND / fps) != math.floor((index - 1) * LOOKS_PER_SECOND / fps)


class SampledMean(ABC):
    """A gauge of one number: the mean of what is said of the frames that are looked at."""

    def __init__(self, metric: str, fps: float, nothing_said: str) -> None:
        """`nothing_said` is why the number is not known when no frame could be judged."""
        self._metric = metric
        self._fps = fps
        self._nothing_said = nothing_said
        self._values: list[float] = []

    def take(self, view: View) -> None:
        if is_looked_at(view.index, self._fps):
            value = self._judge(view)
            if value is not None:
                self._values.append(value)

    def read(self) -> Mapping[str, Measure]:
        if not self._values:
            return {self._metric: unknown(self._nothing_said)}
        mean = sum(self._values) / len(self._values)
        finite = math.isfinite(mean)
        return {self._metric: known(mean) if finite else unknown("the network gave numbers that are not finite")}

    @abstractmethod
    def _judge(self, view: View) -> float | None:
        """The number for one frame; None where it has none."""
