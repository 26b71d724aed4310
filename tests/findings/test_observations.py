import numpy as np

from s2v_runner.findings.observations import Experiment, Observation, is_ordered
from tests.findings.samples import GUIDANCE, SEED, SOLVER, STEPS, observe

SWEPT = {SEED: [0, 1000, 2000], "image": ["a.png", "b.png"], STEPS: [20, 5, 10], GUIDANCE: [3.0, 6.0]}


def experiment_of(observations: list[Observation]) -> Experiment:
    return Experiment(tuple(SWEPT), observations)


def test_a_unit_is_a_combination_of_what_is_drawn():
    experiment = experiment_of(observe(SWEPT, {}))
    assert experiment.draws == (SEED, "image")
    assert experiment.settings == (STEPS, GUIDANCE)
    assert experiment.units == 6
    assert experiment.levels(STEPS) == [5, 10, 20]


def test_differences_are_between_points_that_are_equal_in_all_else():
    observations = observe(SWEPT, {"x": lambda values: values[STEPS] * values[GUIDANCE] + values[SEED]})
    experiment = experiment_of(observations)
    sample = experiment.pairs(STEPS, 5, 20).differences(experiment.column("x"))
    # The mean over the two guidances: 15 times 4.5.
    assert sample.values.tolist() == [67.5] * 6
    assert sample.averaged == 2


def test_missing_points_drop_their_pairs_only():
    observations = observe(SWEPT, {"x": lambda values: values[STEPS] * values[GUIDANCE]})
    lost = [each for each in observations if each.number not in (1, 2, 3)]
    experiment = experiment_of(lost)
    sample = experiment.pairs(STEPS, 5, 20).differences(experiment.column("x"))
    assert sample.values.tolist() == [*[67.5] * 5]
    sample = experiment.pairs(STEPS, 5, 10).differences(experiment.column("x"))
    assert sorted(sample.values.tolist()) == [22.5] * 5 + [30.0]


def test_a_metric_that_is_not_known_drops_its_pairs_only():
    observations = observe(SWEPT, {"x": lambda values: values[STEPS]})
    unknown = [Observation(each.number, each.values, {} if each.number < 7 else each.metrics) for each in observations]
    experiment = experiment_of(unknown)
    assert len(experiment.pairs(STEPS, 5, 20).differences(experiment.column("x")).values) == 5
    assert not np.isnan(experiment.pairs(STEPS, 5, 20).differences(experiment.column("y")).values).any()
    assert experiment.levels_with(STEPS, experiment.column("y")) == []


def test_true_is_not_one():
    values = [{SEED: 0, "start_from_ref": value} for value in (True, 1, False)]
    experiment = Experiment((SEED, "start_from_ref"), [Observation(n, each, {}) for n, each in enumerate(values)])
    assert len(experiment.levels("start_from_ref")) == 3
    assert not is_ordered([True, 2])


def test_a_setting_of_one_value_is_none():
    experiment = Experiment((SEED, SOLVER), observe({SEED: [0, 1, 2], SOLVER: ["unipc"]}, {}))
    assert experiment.settings == ()
    assert Experiment((SEED,), []).units == 0
