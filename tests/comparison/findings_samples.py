"""A page with all metrics there are, over draws that vary, and with findings that were planted in it."""

import itertools
from dataclasses import asdict
from pathlib import Path

import numpy as np

from s2v_runner.comparison.measures import LIKENESS_METRICS, METRICS
from s2v_runner.comparison.observed import findings_data
from s2v_runner.findings.analysis import find
from s2v_runner.findings.finding import Findings, Subject
from s2v_runner.findings.observations import Observation
from tests.comparison.page_samples import GUIDANCE, NAMES, STEPS, Sample, grey_tile, make_sample, sample_points

SEED = "base_seed"
STEPS_SWEPT, GUIDANCE_SWEPT = (5, 10, 20, 40), (1.0, 4.5)
MOUTH = "mouth_r"


def planted(draws: int) -> list[Observation]:
    """Guidance opens the mouth, steps beyond 10 hardly do, noise falls with steps, the rest is chance."""
    generator = np.random.default_rng(5)
    found = []
    for seed, steps, guidance in itertools.product(range(draws), STEPS_SWEPT, GUIDANCE_SWEPT):
        own = np.random.default_rng(seed).normal(size=len(METRICS))
        metrics = {
            metric.key: 5 + own[index] + (metric.notable or 1) * generator.normal()
            for index, metric in enumerate(METRICS)
        }
        opened = 0.1 * (guidance > 2) - 0.2 * (steps < 10) + 0.0004 * steps
        metrics[MOUTH] = 0.4 + 0.05 * own[0] + opened + 0.003 * generator.normal()
        metrics["noise"] = 9 - 0.15 * steps + 0.02 * generator.normal()
        metrics["seconds"] = 2.0 + steps * (1 + (guidance > 1)) + 0.05 * generator.normal()
        metrics["dead_frames"] = 0.0
        metrics["psnr"] = 20 + steps / 4 + 0.3 * generator.normal()
        values = {SEED: 1000 * seed, STEPS: steps, GUIDANCE: guidance}
        found.append(Observation(len(found) + 1, values, {key: float(value) for key, value in metrics.items()}))
    return found


def findings_of(observations: list[Observation]) -> Findings:
    subject = Subject(
        metrics=METRICS,
        closeness=frozenset(metric.key for metric in LIKENESS_METRICS),
        names={SEED: SEED, **NAMES},
        is_search=False,
    )
    return find((SEED, STEPS, GUIDANCE), observations, subject)


def findings_sample(folder: Path, draws: int) -> Sample:
    """The page's data and media."""
    observations = planted(draws)
    parameters = {SEED: [1000 * seed for seed in range(draws)], STEPS: STEPS_SWEPT, GUIDANCE: GUIDANCE_SWEPT}
    points = sample_points(parameters)
    for point, observation in zip(points, observations, strict=True):
        assert point["values"] == observation.values
        point.update(metrics=dict(observation.metrics), reasons={})
    sample = make_sample(folder, parameters, points, grey_tile, 1, 0)
    sample.data["metrics"] = [asdict(metric) for metric in METRICS]
    sample.data["findings"] = findings_data(findings_of(observations))
    return sample
