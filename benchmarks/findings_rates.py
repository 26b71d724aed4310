"""How often the findings of a comparison are right, on sweeps that are made up: coverage, false findings, power.

    python -m benchmarks findings --out benchmarks/results/findings-rates.json

Coverage is that of single intervals around the mean of differences of a known mean, also where seeds and pictures are
crossed. Pages are whole sweeps of a setting of five values and one of two, in eight metrics: of pure noise, where one
errs that says that anything changes; of an effect at the edge of what matters, where one errs that says that nothing
changes; of a real effect, where it is to be found. The recommendation errs where it takes a loss at that edge. CPU
alone; more pages than the default give closer rates.
"""

import argparse
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write_report
from s2v_runner.findings.analysis import find
from s2v_runner.findings.finding import RATE, Finding, Findings, Recommendation, Subject
from s2v_runner.findings.intervals import LEVEL, estimate_mean
from s2v_runner.findings.observations import Observation, Sample
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

Draw = Callable[[np.random.Generator, int], np.ndarray]
Noise = Callable[[np.random.Generator, int, float], np.ndarray]
"""For so many metrics at this guidance; its mean is the same everywhere."""

DRAWS = (3, 5, 8, 20)
DIFFERENCES: Mapping[str, Draw] = {
    "normal": lambda generator, count: generator.normal(size=count),
    "uniform": lambda generator, count: generator.uniform(-1, 1, count),
    "heavy tails (t, 3 degrees)": lambda generator, count: generator.standard_t(3, count),
    "skewed (chi-square, 8 degrees)": lambda generator, count: generator.chisquare(8, count) - 8,
    "very skewed (exponential)": lambda generator, count: generator.exponential(size=count) - 1,
}
NOISES: Mapping[str, Noise] = {
    "normal": lambda generator, count, _: generator.normal(size=count),
    "heavy tails (t, 3 degrees)": lambda generator, count, _: generator.standard_t(3, count),
    "skewed (log-normal)": lambda generator, count, _: np.exp(generator.normal(size=count)) - np.exp(0.5),
    "whole numbers": lambda generator, count, _: np.round(0.7 * generator.normal(size=count)),
    "few whole numbers": lambda generator, count, _: (generator.random(count) < 0.1).astype(float),
    "skewed at one value of guidance (exponential)": lambda generator, count, guidance: (
        generator.exponential(size=count) - 1 if guidance > 4 else 0.1 * generator.normal(size=count)
    ),
}
STEPS, GUIDANCE, SHIFT = "sampler.steps", "sampler.guide_scale", "sampler.shift"
SWEPT = ("base_seed", STEPS, GUIDANCE, SHIFT)
_VALUES = {STEPS: (5, 10, 20, 40, 60), GUIDANCE: (3.0, 6.0)}
_LAST = 60
_METRICS = 8
_NOTABLE = 1.0
_LOUDNESS = 0.25
"""Of a point's noise where settings are chosen one by one, by the root of the number of draws."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks findings", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--intervals", type=int, default=2000, help="made for each coverage")
    parser.add_argument("--pages", type=int, default=20, help="made for each rate")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    report = {
        "level": LEVEL,
        "rate": RATE,
        "intervals": options.intervals,
        "pages": options.pages,
        "coverage": [
            {"differences": name, "draws": draws, **measure_coverage(draw, draws, options.intervals)}
            for draws in DRAWS
            for name, draw in DIFFERENCES.items()
        ],
        "crossed": [
            {"pictures": pictures, "seeds": seeds, "used": measure_crossed(pictures, seeds, options.intervals)}
            for pictures, seeds in ((2, 5), (5, 2), (10, 1))
        ],
        "rates": [
            {"noise": name, "draws": draws, **measure_rates(noise, draws, options.pages)}
            for draws in DRAWS
            for name, noise in NOISES.items()
        ],
        "by setting": [
            {"noise": name, "draws": draws, **measure_by_setting(noise, draws, options.pages)}
            for draws in DRAWS[1:]
            for name, noise in NOISES.items()
        ],
        "power": [
            {"effect": effect, "draws": draws, **measure_power(effect, draws, options.pages)}
            for draws in DRAWS
            for effect in (1.0, 2.0, 4.0, 8.0)
        ],
    }
    write_report(options.out, report)


def measure_coverage(draw: Draw, draws: int, repeats: int) -> dict[str, float]:
    """Shares of intervals that hold the true mean: the one in use, Student's t, and the percentile bootstrap."""
    generator = np.random.default_rng(1)
    counts = {"used": 0, "student": 0, "percentile": 0}
    for _ in range(repeats):
        values = draw(generator, draws)
        mean = estimate_mean(Sample(values, np.arange(draws), 1.0), 0.0)
        counts["used"] += mean.low <= 0 <= mean.high
        counts["student"] += mean.p >= 1 - LEVEL
        low, high = np.quantile(values[generator.integers(0, draws, (400, draws))].mean(axis=1), [0.025, 0.975])
        counts["percentile"] += low <= 0 <= high
    return {name: count / repeats for name, count in counts.items()}


def measure_crossed(pictures: int, seeds: int, repeats: int) -> float:
    """The share of intervals that hold the mean over all pictures; effects differ by picture as much as by seed."""
    generator = np.random.default_rng(4)
    held = 0
    for _ in range(repeats):
        values = (generator.normal(size=(pictures, 1)) + generator.normal(size=(pictures, seeds))).ravel()
        mean = estimate_mean(Sample(values, np.arange(len(values)), 1.0), 0.0)
        held += mean.low <= 0 <= mean.high
    return held / repeats


def measure_rates(noise: Noise, draws: int, pages: int) -> dict[str, float]:
    """Shares of pages that say anything false: that there is a change, that there is none, what to use."""
    generator = np.random.default_rng(2)
    changed = same = worse = 0

    def quiet(generator: np.random.Generator, count: int, guidance: float) -> np.ndarray:
        return 0.05 * noise(generator, count, guidance)

    for _ in range(pages):
        chance = _page(generator, noise, draws, lambda *_: 0.0, 1)
        changed += any(_is_change(finding) and finding.metric != "seconds" for finding in chance.findings)
        edge = _page(generator, quiet, draws, lambda steps, *_: _NOTABLE * (steps == _LAST), 1)
        same += any(_is_falsely_same(finding) for finding in edge.findings)
        one = _page(
            generator, quiet, draws, lambda steps, _guidance, metric: _NOTABLE * (steps == _LAST) * (metric == 0), 1
        )
        worse += one.recommendation.verdict == "told" and one.recommendation.settings[STEPS] != _LAST
    return {"change": changed / pages, "same": same / pages, "recommendation": worse / pages}


def measure_by_setting(noise: Noise, draws: int, pages: int) -> dict[str, float]:
    """Shares of pages that choose each setting by itself: that tell any, that lose what matters by one setting, and
    that lose it by two of which each loses a bit more than half of it.

    The noise is such that few combinations can be told apart and most settings can.
    """
    generator = np.random.default_rng(5)
    told = worse = together = 0

    def loud(generator: np.random.Generator, count: int, guidance: float) -> np.ndarray:
        return _LOUDNESS * math.sqrt(draws) * noise(generator, count, guidance)

    for _ in range(pages):
        edge = _page(
            generator, loud, draws, lambda steps, _guidance, metric: _NOTABLE * (steps == _LAST) * (metric == 0), 3
        ).recommendation
        by_setting = edge.basis == "settings"
        told += by_setting
        worse += by_setting and _told(edge).get(STEPS, _LAST) != _LAST
        both = _page(
            generator,
            loud,
            draws,
            lambda steps, guidance, metric: 0.51 * _NOTABLE * ((steps == _LAST) + (guidance > 4)) * (metric == 0),
            3,
        ).recommendation
        values = _told(both)
        together += both.basis == "settings" and values.get(STEPS, _LAST) != _LAST and values.get(GUIDANCE, 6.0) != 6.0
    return {"told": told / pages, "worse": worse / pages, "together": together / pages}


def _told(found: Recommendation) -> dict[str, Value]:
    """The values that are recommended, without those that the data do not tell."""
    return {choice.setting: choice.value for choice in found.choices if choice.verdict != "untold"}


def measure_power(effect: float, draws: int, pages: int) -> dict[str, float]:
    """Shares of pages that find the effect of guidance, in standard deviations of a point, and with an interval that
    holds it."""
    generator = np.random.default_rng(3)
    found = held = 0
    for _ in range(pages):
        page = _page(
            generator,
            NOISES["normal"],
            draws,
            lambda _steps, guidance, metric: effect * (guidance > 4) * (metric == 0),
            1,
        )
        (finding,) = (one for one in page.findings if one.setting == GUIDANCE and one.metric == "metric-0")
        assert finding.low is not None
        assert finding.high is not None
        found += finding.verdict == "raises"
        held += finding.low <= effect <= finding.high
    return {"found": found / pages, "held": held / pages}


def subject(metrics: int) -> Subject:
    """So many qualities, of which higher is better and one matters, and the time."""
    common: dict[str, Any] = {"unit": "", "digits": 2, "help": "Made up."}
    qualities = tuple(
        Metric(
            key=f"metric-{index}", name=f"Metric {index}", better="higher", kind="quality", notable=_NOTABLE, **common
        )
        for index in range(metrics)
    )
    seconds = Metric(key="seconds", name="Time", better="lower", kind="time", notable=None, **common)
    return Subject(
        metrics=(*qualities, seconds), closeness=frozenset(), names={key: key for key in SWEPT}, is_search=False
    )


def _page(
    generator: np.random.Generator,
    noise: Noise,
    draws: int,
    effect: Callable[[int, float, int], float],
    shifts: int,
) -> Findings:
    """The findings of a sweep in which every draw has a strength of its own that all its points share."""
    own = generator.normal(size=(draws, _METRICS))
    observations = []
    for seed in range(draws):
        for steps, guidance, shift in itertools.product(_VALUES[STEPS], _VALUES[GUIDANCE], range(shifts)):
            levels = noise(generator, _METRICS, guidance) + own[seed]
            metrics = {f"metric-{index}": levels[index] + effect(steps, guidance, index) for index in range(_METRICS)}
            values = {"base_seed": seed, STEPS: steps, GUIDANCE: guidance, SHIFT: shift}
            observations.append(Observation(len(observations), values, {**metrics, "seconds": steps * guidance}))
    return find(SWEPT, observations, subject(_METRICS))


def _is_change(finding: Finding) -> bool:
    return finding.verdict in ("raises", "lowers", "depends")


def _is_falsely_same(finding: Finding) -> bool:
    """Of a plateau that it begins below the highest value; of a step that it leads there."""
    return (
        finding.verdict == "same"
        and finding.setting == STEPS
        and finding.metric != "seconds"
        and (finding.kind == "plateau" or finding.values[-1] == _LAST)
    )
