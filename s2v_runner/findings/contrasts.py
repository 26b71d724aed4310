"""The questions that are asked of a sweep: which differences, in which metrics."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise, product

import numpy as np

from s2v_runner.findings.finding import Subject
from s2v_runner.findings.intervals import LEAST_DRAWS, Mean, estimate_mean, quantum_of
from s2v_runner.findings.observations import Experiment, Sample, is_ordered
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

_COSTS = ("time", "memory")


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A difference between two values of a setting in one metric, or how it differs between two values of another."""

    metric: Metric
    setting: str
    values: tuple[Value, Value]
    other: str | None
    other_values: tuple[Value, ...]
    whole: bool
    sample: Sample
    mean: Mean | None
    """None of too few draws."""
    before: float
    """The mean of the metric at the first value, over the same points."""
    parts: tuple[Mean | None, ...]
    """Of an interaction the effect at each value of the other setting."""


class Measured:
    """An experiment's metrics in columns, with the step that each comes in."""

    def __init__(self, experiment: Experiment, subject: Subject) -> None:
        columns = {metric.key: experiment.column(metric.key) for metric in subject.metrics}
        self.metrics = tuple(metric for metric in subject.metrics if np.isfinite(columns[metric.key]).any())
        self.columns = {metric.key: columns[metric.key] for metric in self.metrics}
        # What a point costs is exact: the same number again and again is no accident of rounding.
        self._quanta = {
            metric.key: 0.0 if metric.kind in _COSTS else quantum_of(columns[metric.key], experiment.unit)
            for metric in self.metrics
        }

    def metric(self, key: str) -> Metric:
        return next(metric for metric in self.metrics if metric.key == key)

    def estimate(self, metric: Metric, sample: Sample) -> Mean | None:
        """None of too few draws."""
        if len(sample.values) < LEAST_DRAWS:
            return None
        return estimate_mean(sample, self._quanta[metric.key])


def effects(experiment: Experiment, measured: Measured) -> Iterator[Contrast]:
    """Every setting: each step of an ordered one and its whole range; every pair of values of any other."""
    for key in experiment.settings:
        for metric in measured.metrics:
            column = measured.columns[metric.key]
            for (first, second), whole in _steps(experiment.levels_with(key, column)):
                pairs = experiment.pairs(key, first, second)
                sample = pairs.differences(column)
                if not sample.values.size:
                    continue
                both = np.isfinite(column[pairs.first]) & np.isfinite(column[pairs.second])
                yield Contrast(
                    metric=metric,
                    setting=key,
                    values=(first, second),
                    other=None,
                    other_values=(),
                    whole=whole,
                    sample=sample,
                    mean=measured.estimate(metric, sample),
                    before=float(column[pairs.first][both].mean()),
                    parts=(),
                )


def interactions(experiment: Experiment, measured: Measured) -> Iterator[Contrast]:
    """How the whole effect of a setting differs between the ends of another; not asked of costs, which multiply."""
    for key, other in combinations(experiment.settings, 2):
        for metric in measured.metrics:
            if metric.kind in _COSTS:
                continue
            column = measured.columns[metric.key]
            ends, other_ends = (_ends(experiment.levels_with(each, column)) for each in (key, other))
            for values, other_values in product(ends, other_ends):
                effect = [experiment.pairs_at(key, *values, other, each).differences(column) for each in other_values]
                sample = effect[1].less(effect[0])
                if not sample.values.size:
                    continue
                yield Contrast(
                    metric=metric,
                    setting=key,
                    values=values,
                    other=other,
                    other_values=other_values,
                    whole=True,
                    sample=sample,
                    mean=measured.estimate(metric, sample),
                    before=0.0,
                    parts=tuple(measured.estimate(metric, each) for each in effect),
                )


def _steps(levels: list[Value]) -> list[tuple[tuple[Value, Value], bool]]:
    """Pairs of values to compare, and whether each is of all that the setting does."""
    if not is_ordered(levels) or len(levels) < 3:
        return [(pair, True) for pair in combinations(levels, 2)]
    return [((levels[0], levels[-1]), True), *((pair, False) for pair in pairwise(levels))]


def _ends(levels: list[Value]) -> list[tuple[Value, Value]]:
    return [pair for pair, whole in _steps(levels) if whole]
