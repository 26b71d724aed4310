"""Settings chosen one by one, each averaged over the others: what a sweep still tells where it is too small to tell
whole combinations apart."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from s2v_runner.findings.contrasts import Measured
from s2v_runner.findings.finding import RATE, TIME, Against, Choice, ChoiceVerdict, Price
from s2v_runner.findings.guarding import draws_needed, passes, price_of, tells
from s2v_runner.findings.intervals import Mean
from s2v_runner.findings.observations import Experiment, Pairs, Sample
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

Interactions = Collection[frozenset[str]]
"""Two settings each, of which one changes what the other does to a guarding metric."""


@dataclass(frozen=True)
class _Data:
    """What choices stand on."""

    experiment: Experiment
    measured: Measured
    guards: tuple[Metric, ...]
    """The primary metric first."""

    def ask(self, setting: str, given: Mapping[str, Value]) -> "_Question | None":
        """None where fewer than two values have enough draws. `given` are values that other settings are to have."""
        gains = self._gains(setting, given)
        if len(gains) < 2:
            return None
        return _Question(self, setting, given, tuple(value for value, _ in gains), tuple(gain for _, gain in gains))

    def _gains(self, setting: str, given: Mapping[str, Value]) -> list[tuple[Value, float]]:
        """What each value gives beside that of the most points, without those of too few draws in common with it."""
        primary, experiment = self.guards[0], self.experiment
        known = np.isfinite(self.measured.columns[TIME]) & experiment.has(given)
        column = np.where(known, self.measured.columns[primary.key], np.nan)
        levels = experiment.levels_with(setting, column)
        if not levels:
            return []
        counts = [int((np.isfinite(column) & experiment.has({setting: value})).sum()) for value in levels]
        most = levels[int(np.argmax(counts))]
        sign = 1 if primary.better == "higher" else -1
        samples = [experiment.pairs_given(setting, most, value, given).differences(column) for value in levels]
        means = [self.measured.estimate(primary, sample) for sample in samples]
        return [(value, sign * mean.value) for value, mean in zip(levels, means, strict=True) if mean is not None]


@dataclass(frozen=True)
class _Question:
    """Which value of a setting to use."""

    data: _Data
    setting: str
    given: Mapping[str, Value]
    levels: tuple[Value, ...]
    """Those of which there are enough draws."""
    gains: tuple[float, ...]
    """Of each in the primary metric beside the same value: more is better."""

    @property
    def reference(self) -> Value:
        return self.best(self.levels)

    @property
    def asked(self) -> int:
        """Values that could be shown to be as good as the reference."""
        return len(self.levels) - 1

    def best(self, levels: Sequence[Value]) -> Value:
        """The one with the best mean of the primary metric."""
        return max(levels, key=lambda value: self.gains[self.levels.index(value)])

    def others(self, value: Value) -> list[Value]:
        return [each for each in self.levels if each is not value]

    def pairs(self, first: Value, second: Value) -> Pairs:
        return self.data.experiment.pairs_given(self.setting, first, second, self.given)

    def difference(self, metric: Metric, first: Value, second: Value) -> Mean | None:
        """The second value less the first, averaged within each draw over all points that are equal in all else."""
        sample = self.pairs(first, second).differences(self.data.measured.columns[metric.key])
        return self.data.measured.estimate(metric, sample)

    def time(self, first: Value, second: Value) -> Mean:
        mean = self.difference(self.data.measured.metric(TIME), first, second)
        assert mean is not None, (first, second)
        return mean


def choose_each(
    experiment: Experiment, measured: Measured, guards: tuple[Metric, ...], interactions: Interactions
) -> tuple[Choice, ...]:
    """A choice for each setting that has enough draws, in the order of the sweep.

    Each value is asked once, and once more where an interaction has its setting looked at again; and each setting once
    more for what all choices lose together. The rate holds for all of these questions (Bonferroni).
    """
    data = _Data(experiment, measured, guards)
    asked = {key: question for key in experiment.settings if (question := data.ask(key, {})) is not None}
    twice = {key for pair in interactions for key in pair}
    chance = RATE / max(1, sum(each.asked * (1 + (key in twice)) + 1 for key, each in asked.items()))
    chosen: dict[str, Choice] = {}
    # The setting that does most to the primary metric is chosen first, and those that depend on it beside its choice.
    for key in sorted(asked, key=lambda each: min(asked[each].gains) - max(asked[each].gains)):
        given = _partners(key, chosen, interactions)
        chosen[key] = _look_again(data, _choose(asked[key], chance), given, chance, is_free=True)
    for key, choice in chosen.items():
        given = _partners(key, chosen, interactions)
        if choice.averaged and given not in ({}, choice.given):
            chosen[key] = _look_again(data, choice, given, chance, is_free=False)
    return _hold_together(data, [chosen[key] for key in asked], chance)


def _hold_together(data: _Data, choices: Sequence[Choice], chance: float) -> tuple[Choice, ...]:
    """Choices whose losses together are shown to be less than matters in every metric that tells of each of them.

    Losses that do not matter add up: until they are shown not to, the choice that saves least is taken back.
    """
    held = list(choices)
    while True:
        risky = [index for index, choice in enumerate(held) if choice.verdict != "untold" and _differs(choice)]
        if len(risky) < 2 or _is_safe(data, [held[index] for index in risky], chance):
            return tuple(held)
        least = min(risky, key=lambda index: held[index].seconds[0] - held[index].seconds[1])
        held[least] = _take_back(data, held[least])


def _differs(choice: Choice) -> bool:
    return choice.value is not choice.reference


def _is_safe(data: _Data, choices: Sequence[Choice], chance: float) -> bool:
    unguarded = {key for choice in choices for key in choice.unguarded}
    for metric in data.guards:
        if metric.key in unguarded:
            continue
        samples = [_loss_of(data, metric, choice) for choice in choices]
        mean = data.measured.estimate(metric, reduce(Sample.plus, samples))
        if not _passes(metric, mean, chance, True):
            return False
    return True


def _loss_of(data: _Data, metric: Metric, choice: Choice) -> Sample:
    given = {} if choice.averaged else choice.given
    pairs = data.experiment.pairs_given(choice.setting, choice.reference, choice.value, given)
    return pairs.differences(data.measured.columns[metric.key])


def _take_back(data: _Data, choice: Choice) -> Choice:
    question = data.ask(choice.setting, {} if choice.averaged else choice.given)
    assert question is not None, choice
    return replace(
        choice,
        value=choice.reference,
        verdict="best",
        seconds=(choice.seconds[0], choice.seconds[0]),
        faster=(choice.value,),
        lacking=(),
        withheld=True,
        prices=tuple(_prices(question, choice.reference, choice.slowest)),
    )


def _partners(setting: str, chosen: Mapping[str, Choice], interactions: Interactions) -> dict[str, Value]:
    """What has been chosen of the settings that change what this one does."""
    return {
        key: choice.value
        for key, choice in chosen.items()
        if frozenset((setting, key)) in interactions and choice.verdict != "untold"
    }


def _look_again(data: _Data, choice: Choice, given: Mapping[str, Value], chance: float, is_free: bool) -> Choice:
    """The choice with what the points alone say that have the values given; where it is free, they decide."""
    if not given:
        return choice
    question = data.ask(choice.setting, given)
    again = None if question is None else _choose(question, chance)
    if again is None or again.verdict == "untold":
        return replace(choice, given=given, at_given=())
    if is_free and (again.value != choice.value or choice.verdict == "untold"):
        return replace(again, given=given, at_given=(again.value,), averaged=False)
    return replace(choice, given=given, at_given=(again.value,))


def _choose(question: _Question, chance: float) -> Choice:
    reference, guards = question.reference, question.data.guards
    worsenings = {
        metric: [question.difference(metric, reference, each) for each in question.others(reference)]
        for metric in guards
    }
    telling = {metric for metric, means in worsenings.items() if tells(metric, means, chance)}
    failing = {value: tuple(_failing(question, value, chance, telling)) for value in question.levels}
    candidates = [value for value in question.levels if not failing[value]]
    value, verdict = _pick(question, candidates)
    slowest = max(question.levels, key=lambda each: question.time(reference, each).value)
    faster = [each for each in question.others(value) if question.time(each, value).value > 0]
    nearest = sorted(faster, key=lambda each: question.time(each, value).value)[:1] if verdict != "indifferent" else []
    return Choice(
        setting=question.setting,
        value=value,
        verdict=verdict,
        reference=reference,
        slowest=slowest,
        candidates=tuple(candidates),
        seconds=_seconds(question, value),
        faster=tuple(nearest),
        lacking=tuple(key for each in nearest for key in failing[each]),
        unguarded=tuple(metric.key for metric in guards[1:] if metric not in telling),
        needed=draws_needed(guards[0], worsenings[guards[0]], chance),
        given={},
        at_given=(),
        averaged=True,
        withheld=False,
        prices=tuple(_prices(question, value, slowest)),
        text="",
    )


def _failing(question: _Question, value: Value, chance: float, telling: Collection[Metric]) -> Iterator[str]:
    """Metrics in which a value is not shown to be as good.

    In the primary metric it is asked beside every other value, since chance may have made any of them the reference:
    all must be passed, which needs no correction for their number (Berger 1982).
    """
    primary, *rest = question.data.guards
    means = [question.difference(primary, other, value) for other in question.others(value)]
    if not all(_passes(primary, mean, chance, True) for mean in means):
        yield primary.key
    if value is question.reference:
        return
    for metric in rest:
        mean = question.difference(metric, question.reference, value)
        if not _passes(metric, mean, chance, metric in telling):
            yield metric.key


def _passes(metric: Metric, mean: Mean | None, chance: float, telling: bool) -> bool:
    """What is said to be no worse by what matters must not have an interval that says it may be."""
    assert metric.notable is not None
    if telling and mean is not None:
        worst = mean.low if metric.better == "higher" else -mean.high
        if worst <= -metric.notable:
            return False
    return passes(metric, mean, chance, telling, RATE)


def _pick(question: _Question, candidates: Sequence[Value]) -> tuple[Value, ChoiceVerdict]:
    """The fastest candidate; of those that are not shown to take longer than it the one with the best mean."""
    reference = question.reference
    if not candidates:
        return reference, "untold"
    fastest = min(candidates, key=lambda each: question.time(reference, each).value)
    as_fast = [each for each in candidates if each is fastest or question.time(fastest, each).low <= 0]
    value = question.best(as_fast)
    if len(as_fast) == len(question.levels):
        return value, "indifferent"
    if value is reference:
        return value, "best"
    return value, "faster" if question.time(value, reference).low > 0 else "safer"


def _seconds(question: _Question, value: Value) -> tuple[float, float]:
    """At the reference and at the value, over the points that are equal in all else."""
    other = value if value is not question.reference else question.others(value)[0]
    pairs, column = question.pairs(question.reference, other), question.data.measured.columns[TIME]
    first, second = column[pairs.first], column[pairs.second]
    known = np.isfinite(first) & np.isfinite(second)
    before, after = float(first[known].mean()), float(second[known].mean())
    return before, before if value is question.reference else after


def _prices(question: _Question, value: Value, slowest: Value) -> Iterator[Price]:
    seconds, guards = question.data.measured.metric(TIME), question.data.guards
    rivals: tuple[tuple[Against, Value, tuple[Metric, ...]], ...] = (
        ("reference", question.reference, (seconds, *guards)),
        ("slowest", slowest, (seconds, guards[0])),
    )
    for against, other, metrics in rivals:
        for metric in metrics if other is not value else ():
            mean = question.difference(metric, other, value)
            if mean is not None:
                yield price_of(metric, against, mean)
