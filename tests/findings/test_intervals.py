import math

import numpy as np
import pytest
from scipy import stats

from s2v_runner.findings.correction import correct_holm
from s2v_runner.findings.intervals import Mean, estimate_mean, quantum_of
from s2v_runner.findings.observations import Sample


def mean_of(*differences: float, quantum: float) -> Mean:
    return estimate_mean(Sample(np.array(differences), np.arange(len(differences)), 1.0), quantum)


def test_three_draws_have_students_interval():
    values = [1.0, 2.0, 4.0]
    mean = mean_of(*values, quantum=0.0)
    assert (mean.low, mean.high) == pytest.approx(stats.t.interval(0.95, 2, np.mean(values), stats.sem(values)))
    assert mean.p == pytest.approx(2 * stats.t.sf(np.mean(values) / stats.sem(values), 2))


def test_more_draws_have_the_wider_of_two():
    values = [0.1, 0.2, 0.3, 0.4, 5.0]
    mean = mean_of(*values, quantum=0.0)
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert mean.low == pytest.approx(low)
    # Where one is far above the others, the truth may be higher than Student's t has it.
    assert mean.high > high + 1
    assert mean.interval == mean_of(*values, quantum=0.0).interval


def test_two_one_sided_tests():
    values = [0.1, -0.1, 0.2, 0.0, 0.05]
    mean = mean_of(*values, quantum=0.0)
    below, above = (stats.t.cdf(sign * (np.mean(values) - sign) / stats.sem(values), 4) for sign in (1, -1))
    assert mean.p_below(1) == pytest.approx(below)
    assert mean.p_above(-1) == pytest.approx(above)
    assert mean.p_within(1) == mean.p_below(1)


def test_no_difference_at_all_is_certain():
    mean = mean_of(0.0, 0.0, 0.0, 0.0, 0.0, quantum=1.0)
    assert (mean.low, mean.high, mean.p, mean.p_within(0.5)) == (0, 0, 1, 0)


def test_the_same_number_again_is_certain_only_where_it_could_have_been_another():
    exact = mean_of(2.1, 2.1, 2.1, 2.1, 2.1, quantum=0.0)
    assert (exact.low, exact.high) == pytest.approx((2.1, 2.1))
    assert exact.p == 0
    whole = mean_of(1.0, 1.0, 1.0, 1.0, 1.0, quantum=1.0)
    assert whole.low < 1 < whole.high
    assert whole.p > 1e-3


def test_quantum_is_the_step_of_the_differences():
    units = np.array([0, 0, 0, 1, 1, 1, 1])
    assert quantum_of(np.array([0.1, 2.1, 6.1, 9.7, 12.7, np.nan, 9.7]), units) == pytest.approx(1)
    assert quantum_of(np.array([0.1, 2.1, 6.1, 9.7, 13.7, np.nan, 9.7]), units) == pytest.approx(2)
    assert quantum_of(np.random.default_rng(1).normal(size=7), units) < 1e-4
    assert quantum_of(np.array([3.0] * 3 + [5.0] * 4), units) == 0
    assert quantum_of(np.full(7, np.nan), units) == 0


def test_holm_steps_down():
    assert correct_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert correct_holm([0.9, 0.8]) == [1.0, 1.0]
    assert correct_holm([]) == []


@pytest.mark.parametrize("draws", [3, 5, 8, 20])
@pytest.mark.parametrize(
    "draw",
    [
        lambda generator, count: generator.normal(size=count),
        lambda generator, count: generator.standard_t(3, count),
        lambda generator, count: np.exp(generator.normal(size=count)) - np.exp(generator.normal(size=count)),
    ],
    ids=["normal", "heavy-tailed", "of skewed noise"],
)
def test_intervals_hold_the_truth_as_often_as_they_say(draws: int, draw):
    generator, repeats = np.random.default_rng(7), 400
    held = 0
    for _ in range(repeats):
        mean = mean_of(*(3 + draw(generator, draws)), quantum=0.0)
        held += mean.low <= 3 <= mean.high
    # Not below by more than chance has it: three standard errors of a share.
    assert held / repeats >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / repeats)
