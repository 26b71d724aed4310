"""Results of trials → the settings to try next, by Optuna.

Its study is made anew from the results each time, so that nothing but the records of points need be kept, and any
process that has them asks the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from s2v_runner.config.axes import Axis, Dimension
from s2v_runner.config.schema import SearchConfig
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value
from s2v_runner.search.results import Outcome, TrialResult

_STATES: Mapping[Outcome, TrialState] = {
    "finished": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    # The samplers keep away from what is being tried.
    "open": TrialState.RUNNING,
}


@dataclass(frozen=True)
class Suggestion:
    """Settings to try."""

    values: Mapping[str, Value]
    notes: Mapping[str, Any]
    """What the sampler noted beside it, and reads again."""


def suggest(
    space: Sequence[Dimension], objectives: Sequence[Metric], config: SearchConfig, results: Sequence[TrialResult]
) -> Suggestion:
    """What to try after these trials. The same results and the same seed suggest the same."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {dimension.key: _distribution_of(dimension) for dimension in space}
    study = optuna.create_study(
        directions=["maximize" if metric.better == "higher" else "minimize" for metric in objectives],
        sampler=_sampler(config, len(results)),
    )
    study.add_trials([_trial_of(result, space, distributions) for result in results])
    asked = study.ask(distributions)
    values = {dimension.key: _value_of(dimension, asked.params[dimension.key]) for dimension in space}
    return Suggestion(values, study.get_trials(deepcopy=False)[asked.number].system_attrs)


def _sampler(config: SearchConfig, trial: int) -> BaseSampler:
    # A seed of its own for each trial: what a sampler has drawn before is not among the records.
    seed = int(np.random.SeedSequence([config.seed, trial]).generate_state(1)[0])
    match config.sampler:
        case "tpe":
            return TPESampler(n_startup_trials=config.startup_trials, seed=seed)
        case "nsga2":
            return NSGAIISampler(population_size=config.startup_trials, seed=seed)
        case "random":
            return RandomSampler(seed=seed)


def _distribution_of(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Axis):
        return CategoricalDistribution(range(len(dimension.choices)))
    if dimension.is_whole:
        return IntDistribution(
            int(dimension.low), int(dimension.high), log=dimension.is_logarithmic, step=int(dimension.step or 1)
        )
    return FloatDistribution(dimension.low, dimension.high, log=dimension.is_logarithmic, step=dimension.step)


def _trial_of(
    result: TrialResult, space: Sequence[Dimension], distributions: dict[str, BaseDistribution]
) -> FrozenTrial:
    trial = result.definition
    return optuna.create_trial(
        state=_STATES[result.outcome],
        values=result.values or None,
        params={dimension.key: _param_of(dimension, trial.values[dimension.key]) for dimension in space},
        distributions=distributions,
        system_attrs=dict(trial.notes),
    )


def _value_of(dimension: Dimension, param: Any) -> Value:
    return dimension.choices[param].value if isinstance(dimension, Axis) else dimension.round(param)


def _param_of(dimension: Dimension, value: Value) -> Any:
    return dimension.index_of(value) if isinstance(dimension, Axis) else value
