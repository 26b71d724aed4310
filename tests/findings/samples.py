"""Sweeps that never were, of numbers alone."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from s2v_runner.findings.analysis import find
from s2v_runner.findings.finding import Finding, Findings, Subject
from s2v_runner.findings.observations import Observation
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

SEED, STEPS, GUIDANCE, SOLVER = "base_seed", "sampler.steps", "sampler.guide_scale", "sampler"
NAMES = {SEED: "base_seed", "image": "image", STEPS: "steps", GUIDANCE: "guide_scale", SOLVER: "sampler"}

Effect = Callable[[Mapping[str, Any]], float]


def quality(key: str, **changes: Any) -> Metric:
    """Higher is better, one matters."""
    common: dict[str, Any] = {"unit": "", "better": "higher", "digits": 2, "kind": "quality", "notable": 1.0}
    return Metric(key=key, name=key.title(), help="Made up.", **{**common, **changes})


SECONDS = quality("seconds", unit="s", better="lower", kind="time", notable=None, digits=1)


def subject_of(*metrics: Metric) -> Subject:
    closeness = frozenset(metric.key for metric in metrics if metric.key.startswith("close"))
    return Subject(metrics=(*metrics, SECONDS), closeness=closeness, names=NAMES, is_search=False)


def observe(swept: Mapping[str, Sequence[Value]], effects: Mapping[str, Effect]) -> list[Observation]:
    """Every combination, with each metric as its effect has it."""
    combinations = (dict(zip(swept, values, strict=True)) for values in itertools.product(*swept.values()))
    return [
        Observation(number, values, {key: float(effect(values)) for key, effect in effects.items()})
        for number, values in enumerate(combinations, 1)
    ]


def noisy(generator: np.random.Generator, spread: float, effect: Effect) -> Effect:
    """With chance of its own at every point, and a level of its own for every seed."""
    return lambda values: effect(values) + 10 * np.sin(values.get(SEED, 0)) + spread * generator.normal()


def finding_of(found: Findings, setting: str, metric: str | None, *values: Value) -> Finding:
    """The only one of a setting, a metric and values."""
    (finding,) = (
        each
        for each in found.findings
        if (each.setting, each.metric, each.values) == (setting, metric, values) and each.kind == "effect"
    )
    return finding


def changes_in(found: Findings) -> list[Finding]:
    """What is said to change."""
    return [each for each in found.findings if each.verdict in ("raises", "lowers", "depends")]


def find_in(observations: Sequence[Observation], *metrics: Metric) -> Findings:
    swept = dict.fromkeys(key for each in observations for key in each.values)
    return find(tuple(swept), observations, subject_of(*metrics))
