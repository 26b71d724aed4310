"""What is found, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

RATE = 0.05
"""Of pages with a false finding among all of theirs, at most, and of pages that falsely call something the same."""

TIME = "seconds"
"""The metric that says what a point costs."""

Against = Literal["reference", "slowest"]
ChoiceVerdict = Literal["faster", "safer", "best", "indifferent", "untold"]
Verdict = Literal["raises", "lowers", "depends", "same", "untold"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the numbers are of."""

    metrics: tuple[Metric, ...]
    """In the order of their importance within a kind."""
    closeness: frozenset[str]
    """Metrics that say how near a video is to a baseline, and not how good it is."""
    names: Mapping[str, str]
    """Of the swept keys, as people know them."""
    is_search: bool
    """Whether points were chosen by the results of others."""

    def metric(self, key: str) -> Metric:
        return next(metric for metric in self.metrics if metric.key == key)

    @property
    def guards(self) -> tuple[Metric, ...]:
        """Metrics to choose settings by: they say how good a video is, which way, and what difference matters."""
        return tuple(metric for metric in self.metrics if _can_choose(metric) and metric.key not in self.closeness)

    @property
    def close_guards(self) -> tuple[Metric, ...]:
        """Those of closeness to the baseline that could stand in for the guards."""
        return tuple(metric for metric in self.metrics if _can_choose(metric) and metric.key in self.closeness)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence, and the numbers in it."""

    kind: Literal["effect", "plateau", "interaction"]
    setting: str
    values: tuple[Value, ...]
    """Of an effect and of an interaction from what to what; of a plateau where it begins, empty where nobody knows."""
    other: str | None
    """The setting on which the effect depends."""
    other_values: tuple[Value, ...]
    whole: bool
    """Whether it is of all that the setting does, and not of one step of it or one metric of several."""
    metric: str | None
    """None for what is said of all metrics that judge quality."""
    difference: float | None
    """In the metric's unit: after less before; of an interaction the last effect less the first; of a plateau the least
    sure difference beyond it."""
    low: float | None
    high: float | None
    share: float | None
    """The difference as a share of what was before; for what has no difference that is known to matter."""
    n: int
    """How many draws have both."""
    p: float | None
    """Corrected for all that the page asks of its data; of `same` that of a change that matters. None where nothing was
    tested."""
    verdict: Verdict
    better: bool | None
    """Whether what it does is for the better; None where nobody says so."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a choice of settings costs or gives beside another, in one metric."""

    metric: str
    against: Against
    difference: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which value of one setting to use, averaged over the other settings, and why."""

    setting: str
    value: Value
    verdict: ChoiceVerdict
    """`faster`: it costs less than the reference and is shown to be no worse; `safer`: it is shown to be no worse than
    any other, which the reference, though better in the mean, is not; `best`: it is the reference, and nothing faster
    is shown to be as good; `indifferent`: no value is worse, and none is shown to take longer than the fastest;
    `untold`: it has the best mean and no more."""
    reference: Value
    """The value with the best mean of the primary metric."""
    slowest: Value
    candidates: tuple[Value, ...]
    """Those that are shown to be as good."""
    seconds: tuple[float, float]
    """Mean of the time at the reference and at the value, over points that are equal in all else."""
    faster: tuple[Value, ...]
    """The nearest value that takes less, if there is one."""
    lacking: tuple[str, ...]
    """Metrics in which that is not shown to be as good."""
    unguarded: tuple[str, ...]
    """Metrics that vary too much by chance to hold the choice back at so few draws."""
    needed: int | None
    """About how many draws would tell by the primary metric; None for more than anybody would make."""
    given: Mapping[str, Value]
    """What was chosen of the settings that change what this one does."""
    at_given: tuple[Value, ...]
    """What would be chosen by the points that have these values alone; empty where they do not tell."""
    averaged: bool
    """Whether the choice is by all points, and not by those of `given` alone."""
    withheld: bool
    """Whether the faster value is as good by itself, but the losses of all choices together could matter."""
    prices: tuple[Price, ...]
    text: str


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """Which settings to use, and why."""

    verdict: Literal["told", "untold"]
    basis: Literal["combinations", "settings"]
    """Whether whole combinations were compared, or each setting by itself, averaged over the others."""
    choices: tuple[Choice, ...]
    """Of each setting; empty where combinations were compared."""
    settings: Mapping[str, Value]
    """Empty where the data do not tell."""
    reference: Mapping[str, Value]
    """The settings with the best mean of the primary metric; by `basis`, of all combinations or of each setting."""
    slowest: Mapping[str, Value]
    """Likewise."""
    primary: str | None
    unguarded: tuple[str, ...]
    """Metrics that vary too much by chance to hold the choice back at so few draws."""
    prices: tuple[Price, ...]
    n: int
    text: str
    """What to use."""
    reasons: str
    """What it costs and gives, and what is not known of it."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that is said of a sweep."""

    draws: tuple[str, ...]
    """The keys whose combinations are the independent draws."""
    units: int
    comparisons: int
    """Questions for differences that were asked, and corrected for."""
    equivalences: int
    """Questions for sameness."""
    method: str
    recommendation: Recommendation
    findings: tuple[Finding, ...]
    """The strongest first."""


def _can_choose(metric: Metric) -> bool:
    return metric.kind == "quality" and metric.better is not None and metric.notable is not None
