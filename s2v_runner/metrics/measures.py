"""A number that is known of a video, or why it is not; and what numbers there are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """A number, or why there is none."""

    value: float | None
    reason: str | None

    def __post_init__(self) -> None:
        assert (self.value is None) != (self.reason is None), self
        assert self.value is None or math.isfinite(self.value), self


def known(value: float) -> Measure:
    return Measure(value, None)


def unknown(reason: str) -> Measure:
    return Measure(None, reason)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What a number means, and how it is shown."""

    key: str
    name: str
    unit: str
    better: Literal["higher", "lower"] | None
    digits: int
    """After the point."""
    kind: Literal["time", "memory", "quality", "description"]
    notable: float | None
    """The least difference that is worth a choice of settings; None where a share of the value is all that can be said.

    docs/metrics.md says where each comes from."""
    help: str
    """One sentence."""


@dataclass(frozen=True)
class Reading:
    """What was measured."""

    measures: Mapping[str, Measure]
    """For each metric of the catalogue."""
    clips: Mapping[str, Sequence[float]]
    """By metric its value over each clip, for some."""
    problems: Sequence[str]
    """What went wrong with the measuring itself."""
