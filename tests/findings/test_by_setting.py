"""Settings chosen one by one, where whole combinations cannot be told apart."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from benchmarks.findings_rates import NOISES, measure_by_setting
from s2v_runner.findings.finding import Choice, Recommendation
from tests.findings.samples import GUIDANCE, SEED, SOLVER, STEPS, find_in, observe, quality

SHARP, CALM = quality("sharp"), quality("calm", better="lower")
SWEPT: dict[str, Any] = {STEPS: [4, 8, 16, 32], GUIDANCE: [1.0, 2.0, 4.0], SOLVER: ["unipc", "dpmpp"], SEED: range(5)}
SPREAD = 0.6
"""Of a point: too much for combinations of five points, and not for settings of dozens."""

Effect = Callable[[Mapping[str, Any]], float]


def seconds(values: Mapping[str, Any]) -> float:
    return values[STEPS] * (1 + (values[GUIDANCE] > 1)) + 0.01 * np.sin(7.0 * values[SEED] + values[STEPS])


def study(seed: int, sharp: Effect, calm: Effect = lambda _: 0.0, spread: float = SPREAD) -> Recommendation:
    generator = np.random.default_rng(seed)
    effects: dict[str, Effect] = {
        "sharp": lambda values: sharp(values) + 10 * np.sin(values[SEED]) + spread * generator.normal(),
        "calm": lambda values: calm(values) + 10 * np.sin(values[SEED]) + spread * generator.normal(),
        "seconds": seconds,
    }
    return find_in(observe(SWEPT, effects), SHARP, CALM).recommendation


def choice_of(found: Recommendation, setting: str) -> Choice:
    (choice,) = (each for each in found.choices if each.setting == setting)
    return choice


def mouth(values: Mapping[str, Any]) -> float:
    """Steps help up to 16, and guidance beyond 2 harms."""
    return {4: -4.0, 8: -2.0, 16: 0.0, 32: 0.1}[values[STEPS]] - 3.0 * (values[GUIDANCE] > 2)


def test_settings_are_told_where_combinations_are_not():
    found = study(1, mouth)
    assert (found.verdict, found.basis) == ("told", "settings")
    assert found.settings[STEPS] == 16
    assert found.settings[GUIDANCE] == 1.0
    assert found.text == (
        f"Use steps 16, guide_scale 1 and sampler {found.settings[SOLVER]}, each chosen by itself, averaged over the"
        " other settings."
    )
    lines = found.reasons.split("\n")
    assert len(lines) == 4
    assert lines[0].startswith("steps 16: ")
    assert "8 is faster, but not shown to be as good in Sharp" in lines[0]
    assert "Beside" not in found.reasons
    assert lines[3].startswith("Together, beside the ")
    json.dumps(asdict(found), allow_nan=False)


def test_a_choice_that_is_faster_has_its_prices():
    choice = choice_of(
        study(4, lambda values: 0.3 * (values[STEPS] == 32) - 4.0 * (values[STEPS] < 16), spread=0.4), STEPS
    )
    assert (choice.value, choice.verdict, choice.reference) == (16, "faster", 32)
    assert set(choice.candidates) == {16, 32}
    prices = {(price.metric, price.against): price for price in choice.prices}
    assert prices["sharp", "reference"].low <= -0.3 <= prices["sharp", "reference"].high
    assert prices["seconds", "reference"].n == 5
    assert choice.seconds == pytest.approx((53.3, 26.7), abs=0.1)
    assert "no worse by what matters than 32, the best in Sharp" in choice.text
    assert "instead of 53.3" in choice.text


def test_a_setting_that_changes_nothing_does_not_matter():
    choice = choice_of(study(1, mouth), SOLVER)
    assert (choice.verdict, choice.value) == ("indifferent", choice.reference)
    assert "it does not matter which" in choice.text


def test_a_setting_that_is_not_told_leaves_the_others():
    """Its effect differs so much from seed to seed that nobody can say which is better."""
    found = study(4, lambda values: mouth(values) + 5.0 * np.sin(5.0 * values[SEED]) * (values[SOLVER] == "dpmpp"))
    solver = choice_of(found, SOLVER)
    assert solver.verdict == "untold"
    assert found.settings[STEPS] == 16
    better = f"These data do not tell which sampler to use; sampler {solver.value} has the best mean."
    assert (
        found.text
        == f"Use steps 16 and guide_scale 1, each chosen by itself, averaged over the other settings. {better}"
    )
    assert "a loss of 1.00 in Sharp could go unseen, and about" in solver.text


def test_a_guard_without_power_is_named():
    found = study(5, mouth, lambda values: 9.0 * np.sin(3.0 * values[SEED] * values[STEPS]))
    assert choice_of(found, STEPS).unguarded == found.unguarded == ("calm",)
    assert "a loss in Calm could go unseen" in choice_of(found, STEPS).text


def test_an_interaction_changes_the_choice():
    """Averaged over guidance 16 steps do; at the guidance that is chosen 4 do."""

    def sharp(values: Mapping[str, Any]) -> float:
        return -12.0 * (values[GUIDANCE] > 1) - 6.0 * (values[GUIDANCE] > 1) * (values[STEPS] < 16)

    found = study(1, sharp, spread=0.34)
    steps = choice_of(found, STEPS)
    assert found.basis == "settings"
    assert found.settings[GUIDANCE] == 1.0
    assert (steps.value, steps.averaged, steps.given) == (4, False, {GUIDANCE: 1.0})
    assert "What steps does depends on guide_scale, so it is chosen at guide_scale 1 alone." in steps.text


def test_losses_that_do_not_matter_alone_are_added_up():
    found = study(
        7,
        lambda values: -0.7 * (values[STEPS] < 32) - 0.7 * (values[GUIDANCE] < 2) - 8.0 * (values[STEPS] < 16),
        spread=0.5,
    )
    assert found.basis == "settings"
    lost = 0.7 * (found.settings[STEPS] != 32) + 0.7 * (found.settings[GUIDANCE] == 1.0)
    assert lost < 1.0


def test_the_whole_is_untold_where_no_setting_is_told():
    found = study(8, lambda _: 0.0, spread=30.0)
    assert (found.verdict, found.basis, found.choices) == ("untold", "combinations", ())


def test_what_is_recommended_seldom_loses_what_matters():
    """A value is better by just what matters; noise is such that combinations are untold and settings are not."""
    wrong = {name: measure_by_setting(NOISES[name], 5, 3) for name in ("normal", "skewed (log-normal)")}
    for rates in wrong.values():
        assert rates["told"] > 0
        assert rates["worse"] == rates["together"] == 0
