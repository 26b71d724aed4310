"""Which settings to use: the fastest that are shown to be no worse than the best by more than matters."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from s2v_runner.findings.contrasts import Measured
from s2v_runner.findings.finding import RATE, Against, Price, Recommendation, Subject
from s2v_runner.findings.intervals import LEAST_DRAWS, Mean, reach_of
from s2v_runner.findings.observations import Experiment, Level
from s2v_runner.findings.reasons import say_choice, say_no_choice, say_reasons, say_unsure
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

TIME = "seconds"
_MOST_DRAWS = 1000
Combination = tuple[Level, ...]


@dataclass(frozen=True)
class Field:
    """The combinations of settings that can be chosen from, and the metrics by which they are."""

    experiment: Experiment
    measured: Measured
    guards: tuple[Metric, ...]
    combinations: tuple[Combination, ...]
    """Of as many draws as an interval needs, with the time they take."""
    reference: Combination

    @property
    def chance(self) -> float:
        """Of a bound that fails, for each combination beside the reference: the rate holds for all (Bonferroni).

        A combination must pass for every metric, which needs no correction for their number (Berger 1982).
        """
        return RATE / max(1, len(self.combinations) - 1)

    def difference(self, metric: Metric, first: Combination, second: Combination) -> Mean | None:
        """The second less the first."""
        sample = self.experiment.between(first, second).differences(self.measured.columns[metric.key])
        return self.measured.estimate(metric, sample)

    def worsenings(self, metric: Metric) -> dict[Combination, Mean | None]:
        """How each combination differs from the reference."""
        return {
            each: self.difference(metric, self.reference, each) for each in self.combinations if each != self.reference
        }


def recommend(experiment: Experiment, measured: Measured, subject: Subject) -> Recommendation:
    """A choice of settings, or why the data do not tell."""
    guards = tuple(metric for metric in subject.guards if metric in measured.metrics) or tuple(
        metric for metric in subject.close_guards if metric in measured.metrics and _is_everywhere(measured, metric)
    )
    problem = _problem(experiment, measured, guards)
    if problem is not None:
        return _none(experiment, problem)
    field = _field(experiment, measured, guards)
    if field is None:
        return _none(experiment, f"no settings have {LEAST_DRAWS} draws with both {guards[0].name} and a time")
    return _choose(field, subject)


def _problem(experiment: Experiment, measured: Measured, guards: tuple[Metric, ...]) -> str | None:
    """Why there is nothing to choose by."""
    if not experiment.observations:
        return "no point has finished"
    if experiment.units < LEAST_DRAWS:
        return say_no_choice(experiment.units, experiment.draws)
    if not experiment.settings:
        return "nothing was varied but the draws"
    if not guards:
        return "no quality has been measured"
    return None if TIME in measured.columns else "no time has been measured"


def _is_everywhere(measured: Measured, metric: Metric) -> bool:
    """What is identical to its baseline has no ratio of signal to noise: that cannot be compared."""
    return bool(np.isfinite(measured.columns[metric.key]).all())


def _field(experiment: Experiment, measured: Measured, guards: tuple[Metric, ...]) -> Field | None:
    primary, seconds = (measured.columns[key] for key in (guards[0].key, TIME))
    known = {
        combination: rows[np.isfinite(primary[rows]) & np.isfinite(seconds[rows])]
        for combination, rows in experiment.combinations.items()
    }
    enough = {combination: rows for combination, rows in known.items() if len(rows) >= LEAST_DRAWS}
    if not enough:
        return None
    means = _means_without_draws(experiment, primary, enough)
    sign = 1 if guards[0].better == "higher" else -1
    reference = max(enough, key=lambda combination: sign * means[combination])
    return Field(experiment, measured, guards, tuple(enough), reference)


def _means_without_draws(
    experiment: Experiment, column: np.ndarray, rows: Mapping[Combination, np.ndarray]
) -> dict[Combination, float]:
    """The mean of each combination, every draw counted from its own mean: one that lacks a draw stays comparable."""
    everything = np.concatenate(list(rows.values()))
    units = experiment.unit[everything]
    sums, counts = np.bincount(units, column[everything]), np.bincount(units)
    own = sums / np.maximum(counts, 1)
    return {each: float((column[here] - own[experiment.unit[here]]).mean()) for each, here in rows.items()}


def _choose(field: Field, subject: Subject) -> Recommendation:
    primary, chance = field.guards[0], field.chance
    worsenings = {metric.key: field.worsenings(metric) for metric in field.guards}
    telling = tuple(metric for metric in field.guards if _tells(metric, worsenings[metric.key], chance))
    if primary not in telling:
        text = say_unsure(primary, field.experiment.units, _draws_needed(primary, worsenings[primary.key], chance))
        return _none(field.experiment, text)

    def is_good(each: Combination) -> bool:
        return each == field.reference or all(
            _passes(metric, worsenings[metric.key][each], chance, metric in telling) for metric in field.guards
        )

    candidates = [each for each in field.combinations if is_good(each)]
    times = _mean_times(field)
    chosen = min(candidates, key=lambda each: times[each])
    slowest = max(field.combinations, key=lambda each: times[each])
    return _describe(field, subject, chosen, slowest, telling)


def _mean_times(field: Field) -> dict[Combination, float]:
    seconds = field.measured.columns[TIME]
    rows = {each: field.experiment.combinations[each] for each in field.combinations}
    timed = {each: here[np.isfinite(seconds[here])] for each, here in rows.items()}
    return _means_without_draws(field.experiment, seconds, timed)


def _tells(metric: Metric, means: Mapping[Combination, Mean | None], chance: float) -> bool:
    """Whether settings that are the same could be shown to be, by this metric: for at least half of those there are."""
    assert metric.notable is not None
    reaches = [reach_of(mean.error, mean.draws, chance) if mean else math.inf for mean in means.values()]
    return not reaches or float(np.median(reaches)) <= metric.notable


def _passes(metric: Metric, mean: Mean | None, chance: float, telling: bool) -> bool:
    """Shown to be no worse by more than matters; of a metric that cannot show it, at least not shown to be worse."""
    assert metric.notable is not None
    if mean is None:
        return not telling
    if telling:
        below, above = mean.p_below(metric.notable), mean.p_above(-metric.notable)
        return (above if metric.better == "higher" else below) <= chance
    return (mean.p_below(0.0) if metric.better == "higher" else mean.p_above(0.0)) > RATE


def _draws_needed(metric: Metric, means: Mapping[Combination, Mean | None], chance: float) -> int | None:
    """With how many draws that vary like these the metric would tell; None for more than anybody would make."""
    assert metric.notable is not None
    spreads = [mean.error * math.sqrt(mean.draws) for mean in means.values() if mean is not None]
    if not spreads:
        return None
    spread = float(np.median(spreads))
    counts = range(LEAST_DRAWS, _MOST_DRAWS)
    return next((n for n in counts if reach_of(spread / math.sqrt(n), n, chance) <= metric.notable), None)


def _describe(
    field: Field, subject: Subject, chosen: Combination, slowest: Combination, telling: tuple[Metric, ...]
) -> Recommendation:
    seconds = subject.metric(TIME)
    rivals: tuple[tuple[Against, Combination, tuple[Metric, ...]], ...] = (
        ("reference", field.reference, (seconds, *field.guards)),
        ("slowest", slowest, (seconds, field.guards[0])),
    )
    prices = [
        price
        for against, other, metrics in rivals
        if other != chosen
        for metric in metrics
        if (price := _price(field, metric, against, other, chosen)) is not None
    ]
    found = Recommendation(
        verdict="told",
        settings=_settings(field.experiment, chosen),
        reference=_settings(field.experiment, field.reference),
        slowest=_settings(field.experiment, slowest),
        primary=field.guards[0].key,
        unguarded=tuple(metric.key for metric in field.guards if metric not in telling),
        prices=tuple(prices),
        n=field.experiment.units,
        text="",
        reasons="",
    )
    return replace(found, text=say_choice(subject, found), reasons=say_reasons(subject, found))


def _price(field: Field, metric: Metric, against: Against, other: Combination, chosen: Combination) -> Price | None:
    mean = field.difference(metric, other, chosen)
    if mean is None:
        return None
    return Price(metric=metric.key, against=against, difference=mean.value, low=mean.low, high=mean.high, n=mean.draws)


def _none(experiment: Experiment, reason: str) -> Recommendation:
    return Recommendation(
        verdict="untold",
        settings={},
        reference={},
        slowest={},
        primary=None,
        unguarded=(),
        prices=(),
        n=experiment.units,
        text=f"These data do not tell which settings to use: {reason}.",
        reasons="",
    )


def _settings(experiment: Experiment, combination: Combination) -> dict[str, Value]:
    return {key: value for key, (_, value) in zip(experiment.settings, combination, strict=True)}
