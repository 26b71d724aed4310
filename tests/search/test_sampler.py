"""What is tried next: with functions in place of videos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from s2v_runner.config.arguments import parse_overrides
from s2v_runner.config.axes import Dimension, dimension_of
from s2v_runner.config.schema import SearchConfig
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value
from s2v_runner.search.objectives import read_objectives
from s2v_runner.search.results import TrialResult, pareto_front
from s2v_runner.search.sampler import suggest
from s2v_runner.tracking.definition import TrialDefinition
from tests.settings import config_with

OPTIONS = {"sampler": ["dpmpp", "euler", "unipc"]}
WORDS = ("sampler.steps=int(interval(4,40))", "sampler.guide_scale=interval(1,6)", "sampler=unipc,dpmpp,euler")
SPACE = [dimension_of(override, OPTIONS) for override in parse_overrides(WORDS, OPTIONS)]
Function = Callable[[Mapping[str, Value]], tuple[float, ...] | None]


def settings(**changes: object) -> tuple[SearchConfig, tuple[Metric, ...]]:
    config = config_with({f"search.{key}": value for key, value in changes.items()})
    return config.search, read_objectives(config)


def search(
    function: Function,
    trials: int,
    known: Sequence[TrialResult] = (),
    space: Sequence[Dimension] = SPACE,
    **changes: object,
) -> list[TrialResult]:
    """Trials of a function, which is None where it fails."""
    config, objectives = settings(**changes)
    results = list(known)
    while len(results) < trials:
        number = len(results) + 1
        suggestion = suggest(space, objectives, config, results)
        values = function(suggestion.values)
        trial = TrialDefinition(number=number, values=suggestion.values, points=(number,), notes=suggestion.notes)
        results.append(TrialResult(trial, "failed" if values is None else "finished", values or (), None))
    return results


def asked(results: Sequence[TrialResult]) -> list[Mapping[str, Value]]:
    return [result.definition.values for result in results]


def number(values: Mapping[str, Value], key: str) -> float:
    value = values[key]
    assert isinstance(value, int | float)
    return value


def bowl(values: Mapping[str, Value]) -> tuple[float, ...]:
    """Deepest at 16 steps with guidance 2.5 of UniPC."""
    away = (number(values, "sampler.steps") - 16) ** 2 / 400 + (number(values, "sampler.guide_scale") - 2.5) ** 2
    return (away + (values["sampler"] != "unipc"),)


def trade_off(values: Mapping[str, Value]) -> tuple[float, ...]:
    """More steps are better and slower; guidance other than 3 is worse and no faster."""
    steps = number(values, "sampler.steps")
    return (1 - 1 / steps - (number(values, "sampler.guide_scale") - 3) ** 2 / 10, steps)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_the_same_seed_and_results_ask_the_same(sampler: str):
    whole = search(trade_off, 16, sampler=sampler, startup_trials=5)
    for until in (0, 3, 11):
        assert asked(search(trade_off, 16, whole[:until], sampler=sampler, startup_trials=5)) == asked(whole)
    assert asked(search(trade_off, 16, sampler=sampler, startup_trials=5, seed=1)) != asked(whole)


def test_what_is_asked_lies_in_the_space():
    for values in asked(search(trade_off, 20)):
        assert isinstance(values["sampler.steps"], int)
        assert 4 <= values["sampler.steps"] <= 40
        assert 1 <= number(values, "sampler.guide_scale") <= 6
        assert len(str(values["sampler.guide_scale"])) <= 5
        assert values["sampler"] in ("unipc", "dpmpp", "euler")
    assert len({str(values) for values in asked(search(trade_off, 20))}) > 15


def test_tpe_comes_near_the_best_and_nearer_than_chance():
    best = {
        sampler: [
            min(result.values[0] for result in search(bowl, 50, objectives="seconds", sampler=sampler, seed=seed))
            for seed in range(3)
        ]
        for sampler in ("tpe", "random")
    }
    assert max(best["tpe"]) < 0.2
    assert sum(best["tpe"]) < sum(best["random"])


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_of_two_objectives_a_front_is_found(sampler: str):
    _, objectives = settings()
    results = search(trade_off, 40, sampler=sampler)
    front = pareto_front(results, objectives)
    assert len(front) >= 4
    assert [result.values[0] for result in front] == sorted((result.values[0] for result in front), reverse=True)
    assert [result.values[1] for result in front] == sorted((result.values[1] for result in front), reverse=True)
    guidance = [number(result.definition.values, "sampler.guide_scale") for result in front]
    assert sum(abs(each - 3) for each in guidance) / len(guidance) < 0.7


def test_what_fails_is_learnt_nothing_from_and_the_search_goes_on():
    def failing(values: Mapping[str, Value]) -> tuple[float, ...] | None:
        return None if values["sampler"] == "euler" else bowl(values)

    results = search(failing, 20, objectives="seconds", startup_trials=5)
    outcomes = [result.outcome for result in results]
    assert outcomes.count("failed") > 0
    assert outcomes.count("finished") > 5


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_what_is_being_tried_is_not_asked_again(sampler: str):
    results = search(trade_off, 14, sampler=sampler, startup_trials=5)
    running = [replace(result, outcome="open", values=()) for result in results[10:]]
    following = search(trade_off, 15, [*results[:10], *running], sampler=sampler, startup_trials=5)[-1]
    assert following.definition.values not in asked(results)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_all_kinds_of_dimensions_are_told_again(sampler: str):
    words = (
        "sampler.steps=tag(log,int(interval(2,64)))",
        "sampler.guide_scale=tag(log,interval(0.25,8))",
        "sampler.shift=range(1,6,0.1)",
        "infer_frames=range(80,0,-4)",
        "num_clip=1,2,null",
        "start_from_ref=true,false",
    )
    space = [dimension_of(override, OPTIONS) for override in parse_overrides(words, OPTIONS)]
    results = search(
        lambda values: (number(values, "sampler.steps"),),
        12,
        (),
        space,
        sampler=sampler,
        startup_trials=4,
        objectives="seconds",
    )
    assert {type(result.definition.values["start_from_ref"]) for result in results} == {bool}
    assert all(number(values, "infer_frames") % 4 == 0 for values in asked(results))
