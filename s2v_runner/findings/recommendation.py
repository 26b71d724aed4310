"""Which settings to use: the fastest that are shown to be no worse than the best by more than matters."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from s2v_runner.findings.by_setting import Interactions, choose_each
from s2v_runner.findings.contrasts import Measured
from s2v_runner.findings.finding import RATE, TIME, Against, Choice, Price, Recommendation, Subject
from s2v_runner.findings.guarding import draws_needed, passes, price_of, tells
from s2v_runner.findings.intervals import LEAST_DRAWS, Mean
from s2v_runner.findings.observations import Experiment, Level
from s2v_runner.findings.reasons import say_choice, say_no_choice, say_reasons, say_unsure
from s2v_runner.findings.setting_reasons import say_choices, say_each, say_setting
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

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


def guards_of(measured: Measured, subject: Subject) -> tuple[Metric, ...]:
    """The metrics to choose by, the primary one first."""
    return tuple(metric for metric in subject.guards if metric in measured.metrics) or tuple(
        metric for metric in subject.close_guards if metric in measured.metrics and _is_everywhere(measured, metric)
    )


def recommend(
    experiment: Experiment, measured: Measured, subject: Subject, interactions: Interactions
) -> Recommendation:
    """A choice of settings, or why the data do not tell.

    Whole combinations are compared where that tells; where it does not, each setting by itself.
    """
    guards = guards_of(measured, subject)
    problem = _problem(experiment, measured, guards)
    if problem is not None:
        return _none(experiment, problem)
    field = _field(experiment, measured, guards)
    if field is None:
        return _none(experiment, f"no settings have {LEAST_DRAWS} draws with both {guards[0].name} and a time")
    found = _choose(field, subject)
    if found.verdict == "told" or len(experiment.settings) < 2:
        return found
    choices = choose_each(experiment, measured, guards, interactions)
    if all(choice.verdict == "untold" for choice in choices):
        return found
    return _describe_each(field, subject, choices)


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
    telling = tuple(metric for metric in field.guards if tells(metric, worsenings[metric.key].values(), chance))
    if primary not in telling:
        needed = draws_needed(primary, worsenings[primary.key].values(), chance)
        return _none(field.experiment, say_unsure(primary, field.experiment.units, needed))

    def is_good(each: Combination) -> bool:
        return each == field.reference or all(
            passes(metric, worsenings[metric.key][each], chance, metric in telling, RATE) for metric in field.guards
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


def _describe(
    field: Field, subject: Subject, chosen: Combination, slowest: Combination, telling: tuple[Metric, ...]
) -> Recommendation:
    found = Recommendation(
        verdict="told",
        basis="combinations",
        choices=(),
        settings=_settings(field.experiment, chosen),
        reference=_settings(field.experiment, field.reference),
        slowest=_settings(field.experiment, slowest),
        primary=field.guards[0].key,
        unguarded=tuple(metric.key for metric in field.guards if metric not in telling),
        prices=_prices(field, subject, chosen, field.reference, slowest),
        n=field.experiment.units,
        text="",
        reasons="",
    )
    return replace(found, text=say_choice(subject, found), reasons=say_reasons(subject, found))


def _describe_each(field: Field, subject: Subject, choices: tuple[Choice, ...]) -> Recommendation:
    unguarded = {key for choice in choices for key in choice.unguarded if choice.verdict != "untold"}
    chosen, reference, slowest = (
        {choice.setting: value for choice, value in zip(choices, values, strict=True)}
        for values in zip(*((each.value, each.reference, each.slowest) for each in choices), strict=True)
    )
    primary = field.guards[0]
    said = tuple(replace(choice, text=say_setting(subject, primary, choice)) for choice in choices)
    found = Recommendation(
        verdict="told",
        basis="settings",
        choices=said,
        settings=chosen,
        reference=reference,
        slowest=slowest,
        primary=primary.key,
        unguarded=tuple(metric.key for metric in field.guards if metric.key in unguarded),
        prices=_prices(field, subject, *(_combination(field, each) for each in (chosen, reference, slowest))),
        n=field.experiment.units,
        text="",
        reasons="",
    )
    return replace(found, text=say_choices(subject, found), reasons=say_each(subject, found))


def _combination(field: Field, settings: Mapping[str, Value]) -> Combination | None:
    """None where no point has these settings, or they are not all there are."""
    return next((each for each in field.combinations if _settings(field.experiment, each) == settings), None)


def _prices(
    field: Field,
    subject: Subject,
    chosen: Combination | None,
    reference: Combination | None,
    slowest: Combination | None,
) -> tuple[Price, ...]:
    """Of whole combinations, of the points that have them and no others."""
    seconds = subject.metric(TIME)
    rivals: tuple[tuple[Against, Combination | None, tuple[Metric, ...]], ...] = (
        ("reference", reference, (seconds, *field.guards)),
        ("slowest", slowest, (seconds, field.guards[0])),
    )
    return tuple(
        price_of(metric, against, mean)
        for against, other, metrics in rivals
        if chosen is not None and other is not None and other != chosen
        for metric in metrics
        if (mean := field.difference(metric, other, chosen)) is not None
    )


def _none(experiment: Experiment, reason: str) -> Recommendation:
    return Recommendation(
        verdict="untold",
        basis="combinations",
        choices=(),
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
