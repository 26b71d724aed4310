"""Whether a metric tells videos with a defect from those without: found where it goes beyond what is usual.

A limit for a case is set by the other cases alone, so that the share of false alarms is what a new case would see.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Direction = Literal["up", "down"]

USUAL = 0.95
"""Share of what has no defect that the limit leaves in peace."""
RELIABLE = 0.9
"""Share found from which on a size counts as found."""
_NORMAL_QUANTILE = 1.959964
"""Of the normal distribution, for intervals that hold in 95 of 100 cases."""


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    found: int
    of: int

    @property
    def value(self) -> float:
        return self.found / self.of if self.of else math.nan

    def find_interval(self) -> tuple[float, float]:
        """Where the true share lies, 95 %. E. B. Wilson: Probable inference. JASA 22, 1927; all of 0 … 1 for none."""
        if not self.of:
            return 0.0, 1.0
        square = _NORMAL_QUANTILE**2
        middle = (self.found + square / 2) / (self.of + square)
        spread = self.found * (self.of - self.found) / self.of + square / 4
        half = _NORMAL_QUANTILE * math.sqrt(spread) / (self.of + square)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Verdict:
    """What a metric finds, by size of the defect, and how often it finds what is not there."""

    false_alarms: Share
    found: Sequence[Share]
    """For each size."""

    def smallest(self, sizes: Sequence[float]) -> float | None:
        """The size from which on RELIABLE of the videos are found; None where there is none."""
        reliable = [share.of > 0 and share.value >= RELIABLE for share in self.found]
        from_here_on = [all(reliable[place:]) for place in range(len(reliable))]
        return next((size for size, holds in zip(sizes, from_here_on, strict=True) if holds), None)


def judge_videos(clean_CD: np.ndarray, spoiled_SCD: np.ndarray, goes: Direction, told_CD: np.ndarray) -> Verdict:
    """Each video by itself, against the clean videos of other cases.

    Values of C cases with D draws each, for S sizes; NaN where the metric says nothing, which finds nothing. `told_CD`
    are the videos that count.
    """
    return _judge(clean_CD, spoiled_SCD, goes, told_CD)


def judge_pairs(clean_CD: np.ndarray, spoiled_SCD: np.ndarray, goes: Direction, told_CD: np.ndarray) -> Verdict:
    """Each spoiled video less the clean other draw of its case, against such differences of two clean ones.

    As for `judge_videos`, of two draws; pairs whose clean video has no value do not count.
    """
    other_CD = clean_CD[:, ::-1]
    return _judge(clean_CD - other_CD, spoiled_SCD - other_CD, goes, told_CD & np.isfinite(other_CD))


def _judge(usual_CD: np.ndarray, asked_SCD: np.ndarray, goes: Direction, told_CD: np.ndarray) -> Verdict:
    sign = 1.0 if goes == "up" else -1.0
    limits_C1 = _set_limits(sign * usual_CD)[:, None]

    def count(values_CD: np.ndarray) -> Share:
        return Share(int((sign * values_CD > limits_C1)[told_CD].sum()), int(told_CD.sum()))

    return Verdict(count(usual_CD), [count(asked_CD) for asked_CD in asked_SCD])


def _set_limits(usual_CD: np.ndarray) -> np.ndarray:
    """For each case, what 5 % of new values like those of the others would be above; inf where there are none."""
    limits = []
    for case in range(len(usual_CD)):
        others = np.delete(usual_CD, case, axis=0)
        others = others[np.isfinite(others)]
        # Weibull's quantile is the one that a new value of the same kind exceeds with the probability it names.
        limits.append(np.quantile(others, USUAL, method="weibull") if others.size else np.inf)
    return np.array(limits)
