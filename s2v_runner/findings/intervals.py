"""What a small sample of differences says of their mean: intervals and probabilities that hold for few draws."""

import math
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations_with_replacement

import numpy as np
from scipy.special import gammaln, stdtr, stdtrit

from s2v_runner.findings.observations import Sample

LEVEL = 0.95
"""Of the intervals, each by itself."""
LEAST_DRAWS = 3
"""Of fewer nothing is claimed."""
_LEAST_RESAMPLED = 5
"""A resample of three or four is the same value over and over so often that its spread says nothing."""
_MOST_ENUMERATED = 7
_RESAMPLES = 2000
_SEED = 20230819
_EXACT = 1e-9
"""Numbers that are as near as this share are the same: the last bits of a float are nobody's finding."""
_NEARLY = 1e-6
"""Of the largest difference: what is smaller is no step."""


@dataclass(frozen=True)
class Mean:
    """The mean of a sample of at least three differences, and how sure it is."""

    value: float
    error: float
    """Standard error; 0 where all are the same and could have differed in any digit."""
    rounding: float
    """The least variance that a difference is taken to have."""
    differences: np.ndarray

    @property
    def draws(self) -> int:
        return len(self.differences)

    @property
    def low(self) -> float:
        return self.interval[0]

    @property
    def high(self) -> float:
        return self.interval[1]

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Holds the true mean with 95 %.

        The wider, at each end, of Student's t and, from five draws on, of the studentised bootstrap (Efron 1979; Hall
        1988): the first keeps its level for heavy tails and the second for lopsided ones.
        """
        reach = float(stdtrit(self.draws - 1, 0.5 + LEVEL / 2)) * self.error
        low, high = self.value - reach, self.value + reach
        if self.draws < _LEAST_RESAMPLED or not self.error:
            return low, high
        lower, upper = _resampled_quantiles(self.differences, max(self.rounding, (_EXACT * self.error) ** 2))
        return min(low, self.value - upper * self.error), max(high, self.value - lower * self.error)

    @property
    def p(self) -> float:
        """Of a mean at least so far from zero in either direction where the true one is zero: Student's t."""
        return float(min(1.0, 2 * stdtr(self.draws - 1, -abs(self._standardised(0.0)))))

    def p_within(self, limit: float) -> float:
        """Of the data where the true mean is no nearer to zero than `limit`: two one-sided tests (Schuirmann 1987)."""
        return max(self.p_below(limit), self.p_above(-limit))

    def p_below(self, limit: float) -> float:
        """Of a mean so far below where the true one is `limit` or more."""
        return float(stdtr(self.draws - 1, self._standardised(limit)))

    def p_above(self, limit: float) -> float:
        """Of a mean so far above where the true one is `limit` or less."""
        return float(stdtr(self.draws - 1, -self._standardised(limit)))

    def _standardised(self, reference: float) -> float:
        away = self.value - reference
        if self.error > 0:
            return away / self.error
        return math.copysign(math.inf, away) if away else 0.0


def estimate_mean(sample: Sample, quantum: float) -> Mean:
    """The mean of at least three differences.

    `quantum` is the step in which the metric comes; the spread counts as no less than what rounding to it leaves, or a
    few whole numbers that happen to agree would be taken for certainty.
    """
    values = sample.values
    assert len(values) >= LEAST_DRAWS, values
    # Each value is off by a uniform error of variance quantum² / 12, a difference by twice that.
    rounding = quantum**2 / (6 * sample.averaged)
    spread = float(values.var(ddof=1))
    if spread <= (_EXACT * np.abs(values).max()) ** 2:
        spread = 0.0
    error = math.sqrt(max(spread, rounding) / len(values)) if values.any() else 0.0
    return Mean(float(values.mean()), error, rounding, values)


def reach_of(error: float, draws: int, chance: float) -> float:
    """How far a one-sided bound lies from the mean that fails with this probability."""
    return float(stdtrit(draws - 1, 1 - chance)) * error


def _resampled_quantiles(values: np.ndarray, least: float) -> tuple[float, float]:
    """Of the studentised mean over resamples, at both ends; `least` is the least variance of a resample."""
    draws = len(values)
    counts, weights = _resamples(draws)
    centred = values - values.mean()
    means = counts @ centred / draws
    variances = (counts @ centred**2 / draws - means**2) * draws / (draws - 1)
    studentised = means / np.sqrt(np.maximum(variances, least) / draws)
    order = np.argsort(studentised)
    reached = np.cumsum(weights[order])
    ends = np.searchsorted(reached, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]).clip(max=len(order) - 1)
    low, high = studentised[order][ends]
    return float(low), float(high)


@cache
def _resamples(draws: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each value is in a resample [resamples, draws], and how probable it is: all of them for few draws."""
    if draws > _MOST_ENUMERATED:
        counts = np.random.default_rng(_SEED).multinomial(draws, [1 / draws] * draws, size=_RESAMPLES)
        return counts.astype(float), np.full(_RESAMPLES, 1 / _RESAMPLES)
    chosen = combinations_with_replacement(range(draws), draws)
    counts = np.array([np.bincount(each, minlength=draws) for each in chosen], dtype=float)
    ways = gammaln(draws + 1) - gammaln(counts + 1).sum(axis=1)
    return counts, np.exp(ways - draws * math.log(draws))


def quantum_of(column: np.ndarray, units: np.ndarray) -> float:
    """The step in which the values of a metric differ within a unit; next to nothing where they can be anything.

    It is the greatest common divisor of the differences, by Euclid's algorithm.
    """
    known = np.isfinite(column)
    _, first, places = np.unique(units[known], return_index=True, return_inverse=True)
    differences = np.abs(column[known] - column[known][first][places])
    least = _NEARLY * float(differences.max(initial=0.0))
    divisor = 0.0
    for difference in differences[differences > least]:
        rest = float(difference)
        while rest > least:
            divisor, rest = rest, divisor % rest
            # Of a multiple that is a bit too small nearly the whole is left.
            rest = min(rest, abs(divisor - rest))
    return divisor
