"""Which trials are the best."""

import pytest

from s2v_runner.search.objectives import read_objectives
from s2v_runner.search.results import Outcome, TrialResult, best_values, pareto_front
from s2v_runner.tracking.definition import TrialDefinition
from tests.settings import config_with

BOTH = read_objectives(config_with({"search.objectives": "mouth_r,seconds"}))


def result(number: int, *values: float, outcome: Outcome = "finished", points: tuple[int, ...] = ()) -> TrialResult:
    trial = TrialDefinition(number=number, values={}, points=points or (number,), notes={})
    return TrialResult(trial, outcome, values, None)


def front(*results: TrialResult) -> list[int]:
    return [each.definition.number for each in pareto_front(results, BOTH)]


def test_the_front_is_what_no_other_is_better_than_in_everything():
    assert front(result(1, 0.5, 10), result(2, 0.9, 30), result(3, 0.4, 12), result(4, 0.9, 31)) == [2, 1]
    assert front(result(1, 0.5, 10), result(2, 0.5, 10)) == [1, 2]
    assert front(result(1, 0.5, 10), result(2, 0.5, 11)) == [1]


def test_trials_of_the_same_points_are_named_once():
    assert front(result(1, 0.5, 10), result(2, 0.5, 10, points=(1,)), result(3, 0.1, 5)) == [1, 3]


def test_what_failed_or_is_open_is_not_among_the_best():
    assert front(result(1, outcome="failed"), result(2, outcome="open")) == []
    assert front(result(1, outcome="failed"), result(2, 0.1, 9)) == [2]


def test_the_best_of_each_objective():
    assert best_values([result(1, 0.5, 10), result(2, 0.9, 30), result(3, outcome="failed")], BOTH) == {
        "mouth_r": pytest.approx(0.9),
        "seconds": 10,
    }
    assert best_values([], BOTH) == {}
