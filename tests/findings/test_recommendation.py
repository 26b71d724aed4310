"""The fastest settings that are shown to be no worse than the best by more than matters."""

import numpy as np
import pytest

from s2v_runner.findings.observations import Observation
from tests.findings.samples import GUIDANCE, SEED, STEPS, find_in, noisy, observe, quality

SWEPT = {SEED: range(6), STEPS: [5, 10, 20, 40], GUIDANCE: [3.0, 6.0]}
SHARP, CALM = quality("sharp"), quality("calm", better="lower")


def seconds(values) -> float:
    return values[STEPS] * values[GUIDANCE] + 0.001 * values[SEED]


def test_the_fastest_that_is_as_good_is_recommended():
    generator = np.random.default_rng(1)
    points = observe(
        SWEPT,
        {
            "sharp": noisy(generator, 0.05, lambda values: 5.0 * (values[STEPS] >= 10) + 0.1 * values[GUIDANCE]),
            "calm": noisy(generator, 0.05, lambda _: 0.0),
            "seconds": seconds,
        },
    )
    found = find_in(points, SHARP, CALM).recommendation
    assert found.verdict == "told"
    assert found.settings == {STEPS: 10, GUIDANCE: 3.0}
    assert found.reference[GUIDANCE] == 6.0
    assert found.slowest == {STEPS: 40, GUIDANCE: 6.0}
    assert (
        found.text == "Use steps 10 and guide_scale 3: the fastest that is shown to be no worse than the best by more"
        " than matters."
    )
    prices = {(price.metric, price.against): price for price in found.prices}
    price = prices["sharp", "reference"]
    assert price.low <= -0.3 <= price.high
    assert price.n == 6
    assert "Beside the slowest, steps 40 and guide_scale 6, it takes 210" in found.reasons


def test_a_loss_in_any_quality_holds_it_back():
    generator = np.random.default_rng(2)
    points = observe(
        SWEPT,
        {
            "sharp": noisy(generator, 0.05, lambda _: 0.0),
            "calm": noisy(generator, 0.05, lambda values: 4.0 * (values[STEPS] < 20)),
            "seconds": seconds,
        },
    )
    found = find_in(points, SHARP, CALM).recommendation
    # The reference is the best by chance; where it is one of the poor ones, it holds nothing back.
    if found.reference[STEPS] in (20, 40):
        assert found.settings[STEPS] == 20
    else:
        assert found.settings[STEPS] == 5


def test_without_power_nothing_is_recommended():
    points = observe(SWEPT, {"sharp": noisy(np.random.default_rng(3), 5.0, lambda _: 0.0), "seconds": seconds})
    found = find_in(points, SHARP).recommendation
    assert (found.verdict, found.settings, found.prices) == ("untold", {}, ())
    assert "with 6 draws a loss of 1.00 in Sharp could go unseen; about " in found.text


def test_a_metric_without_power_is_named_and_holds_back_only_what_is_shown_to_be_worse():
    generator = np.random.default_rng(4)
    points = observe(
        SWEPT,
        {
            "sharp": noisy(generator, 0.05, lambda _: 0.0),
            "calm": noisy(generator, 3.0, lambda values: 90.0 * (values[STEPS] == 5)),
            "seconds": seconds,
        },
    )
    found = find_in(points, SHARP, CALM).recommendation
    assert found.unguarded == ("calm",)
    assert "These data do not tell what it does to Calm" in found.reasons
    assert found.settings[STEPS] != 5 or found.reference[STEPS] == 5


def test_closeness_stands_in_where_nothing_else_is_measured():
    close = quality("close")
    effects = {
        "close": lambda values: -10.0 * (values[STEPS] < 20) + 0.01 * np.sin(values[SEED] * values[STEPS]),
        "seconds": seconds,
    }
    assert find_in(observe(SWEPT, effects), close).recommendation.settings[STEPS] == 20
    effects["sharp"] = lambda values: 0.01 * np.sin(values[SEED] * values[STEPS])
    assert find_in(observe(SWEPT, effects), close, SHARP).recommendation.settings[STEPS] == 5


@pytest.mark.parametrize(
    ("key", "words"), [("sharp", "no quality has been measured"), ("seconds", "no time has been measured")]
)
def test_what_is_needed_is_named(key: str, words: str):
    effects = {"sharp": lambda values: 0.0 * values[STEPS], "seconds": seconds}
    del effects[key]
    assert words in find_in(observe(SWEPT, effects), SHARP).recommendation.text


def test_settings_of_too_few_draws_are_not_chosen():
    generator = np.random.default_rng(5)
    points = observe(SWEPT, {"sharp": noisy(generator, 0.05, lambda _: 0.0), "seconds": seconds})
    some = [Observation(each.number, each.values, each.metrics) for each in points]
    some = [each for each in some if each.values[STEPS] != 5 or each.values[SEED] in (0, 1)]
    assert find_in(some, SHARP).recommendation.settings == {STEPS: 10, GUIDANCE: 3.0}
