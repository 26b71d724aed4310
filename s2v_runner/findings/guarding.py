"""Metrics that hold a choice of settings back: what they can show at so few draws, and what they do."""

import math
from collections.abc import Collection

import numpy as np

from s2v_runner.findings.finding import Against, Price
from s2v_runner.findings.intervals import LEAST_DRAWS, Mean, reach_of
from s2v_runner.metrics.measures import Metric

_MOST_DRAWS = 1000


def tells(metric: Metric, means: Collection[Mean | None], chance: float) -> bool:
    """Whether settings that are the same could be shown to be, by this metric: for at least half of those there are."""
    assert metric.notable is not None
    reaches = [reach_of(mean.error, mean.draws, chance) if mean else math.inf for mean in means]
    return not reaches or float(np.median(reaches)) <= metric.notable


def passes(metric: Metric, mean: Mean | None, chance: float, telling: bool, level: float) -> bool:
    """Shown to be no worse by more than matters, with a bound that fails with `chance`; of a metric that cannot show
    it, at least not shown to be worse at `level`."""
    assert metric.notable is not None
    if mean is None:
        return not telling
    if telling:
        below, above = mean.p_below(metric.notable), mean.p_above(-metric.notable)
        return (above if metric.better == "higher" else below) <= chance
    return (mean.p_below(0.0) if metric.better == "higher" else mean.p_above(0.0)) > level


def draws_needed(metric: Metric, means: Collection[Mean | None], chance: float) -> int | None:
    """With how many draws that vary like these the metric would tell; None for more than anybody would make."""
    assert metric.notable is not None
    spreads = [mean.error * math.sqrt(mean.draws) for mean in means if mean is not None]
    if not spreads:
        return None
    spread = float(np.median(spreads))
    counts = range(LEAST_DRAWS, _MOST_DRAWS)
    return next((n for n in counts if reach_of(spread / math.sqrt(n), n, chance) <= metric.notable), None)


def price_of(metric: Metric, against: Against, mean: Mean) -> Price:
    return Price(metric=metric.key, against=against, difference=mean.value, low=mean.low, high=mean.high, n=mean.draws)
