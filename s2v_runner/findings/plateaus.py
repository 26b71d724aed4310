"""From which value of a setting on nothing changes any more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from s2v_runner.findings.contrasts import Measured
from s2v_runner.findings.finding import RATE
from s2v_runner.findings.intervals import Mean
from s2v_runner.findings.observations import Experiment, is_ordered
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

LEAST_VALUES = 3


@dataclass(frozen=True, kw_only=True)
class Plateau:
    """Of one metric along an ordered setting."""

    metric: Metric
    setting: str
    highest: Value
    start: Value
    """The smallest value of which all higher ones differ by less than what matters; None where the data do not tell."""
    widest: Mean
    """Of those differences the one that reaches furthest from zero."""
    p: float
    n: int


@dataclass(frozen=True)
class _Rung:
    """One value beside all the higher ones."""

    value: Value
    means: tuple[Mean, ...]

    def p(self, notable: float) -> float:
        """Of data like these where any of the differences matters: all must be small, so the greatest counts
        (intersection-union test, Berger 1982) and needs no correction."""
        return max(mean.p_within(notable) for mean in self.means)

    def is_within(self, notable: float) -> bool:
        return all(-notable < mean.low and mean.high < notable for mean in self.means)

    @property
    def widest(self) -> Mean:
        return max(self.means, key=reach)


def sequences(experiment: Experiment, measured: Measured) -> list[tuple[str, Metric]]:
    """Where a plateau is looked for: ordered settings of at least three values, metrics that say what matters."""
    keys = [key for key in experiment.settings if len(experiment.levels(key)) >= LEAST_VALUES]
    return [
        (key, metric)
        for key in keys
        if is_ordered(experiment.levels(key))
        for metric in measured.metrics
        if metric.notable is not None
    ]


def find_plateau(
    experiment: Experiment, measured: Measured, key: str, metric: Metric, equivalences: int
) -> Plateau | None:
    """Where a metric has come to rest along a setting; None where no draw has it at the highest value.

    The rungs are tried from the highest down until one fails: in that order none needs a correction for the others
    (fixed-sequence testing, Maurer, Hothorn & Lehmacher 1995). `equivalences` is how many such questions there are.
    """
    assert metric.notable is not None, metric
    levels = experiment.levels(key)
    first: _Rung | None = None
    reached: tuple[_Rung, float] | None = None
    p = 0.0
    for rung in _rungs(experiment, measured, key, metric, levels):
        first = first or rung
        p = max(p, min(1.0, rung.p(metric.notable) * equivalences))
        if p > RATE or not rung.is_within(metric.notable):
            break
        reached = rung, p
    if first is None:
        return None
    shown, probability = reached or (first, p)
    return Plateau(
        metric=metric,
        setting=key,
        highest=levels[-1],
        start=None if reached is None else shown.value,
        widest=shown.widest,
        p=probability,
        n=min(mean.draws for mean in shown.means),
    )


def reach(mean: Mean) -> float:
    """How far from zero its interval goes."""
    return max(abs(mean.low), abs(mean.high))


def _rungs(
    experiment: Experiment, measured: Measured, key: str, metric: Metric, levels: Sequence[Value]
) -> Iterator[_Rung]:
    """From the highest but one down, as far as there are enough draws of all."""
    column = measured.columns[metric.key]
    for index in range(len(levels) - 2, -1, -1):
        samples = [experiment.pairs(key, levels[index], higher).differences(column) for higher in levels[index + 1 :]]
        means = [measured.estimate(metric, sample) for sample in samples]
        known = tuple(mean for mean in means if mean is not None)
        if len(known) < len(means):
            return
        yield _Rung(levels[index], known)
