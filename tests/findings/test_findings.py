"""Planted effects are found, what is not there is not, and nothing is claimed of too little."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from s2v_runner.findings.analysis import find
from s2v_runner.findings.finding import RATE
from s2v_runner.findings.observations import Observation
from tests.findings.samples import (
    GUIDANCE,
    SEED,
    SOLVER,
    STEPS,
    changes_in,
    find_in,
    finding_of,
    noisy,
    observe,
    quality,
    subject_of,
)

SWEPT = {SEED: range(5), STEPS: [5, 10, 20, 40], GUIDANCE: [3.0, 6.0]}
SHARP, FLAT = quality("sharp"), quality("flat")


def test_a_planted_effect_is_found_with_its_sign_and_size():
    generator = np.random.default_rng(1)
    effects = {
        "sharp": noisy(generator, 0.05, lambda values: 2.0 * (values[GUIDANCE] > 4)),
        "flat": noisy(generator, 0.05, lambda _: 0.0),
    }
    found = find_in(observe(SWEPT, effects), SHARP, FLAT)
    finding = finding_of(found, GUIDANCE, "sharp", 3.0, 6.0)
    assert (finding.verdict, finding.better, finding.n, finding.whole) == ("raises", True, 5, True)
    assert finding.low is not None
    assert finding.high is not None
    assert finding.low <= 2 <= finding.high
    assert finding.p is not None
    assert finding.p <= RATE
    assert finding.text.startswith("guide_scale 3 → 6 raises Sharp by ")
    assert finding.text.endswith("; n\u00a0=\u00a05), for the better.")
    assert changes_in(found) == [finding]
    assert finding_of(found, GUIDANCE, "flat", 3.0, 6.0).verdict == "same"
    lower = find_in(observe(SWEPT, effects), replace(SHARP, better="lower"), FLAT)
    assert finding_of(lower, GUIDANCE, "sharp", 3.0, 6.0).better is False


def test_the_same_numbers_give_the_same_findings():
    points = observe(SWEPT, {"sharp": noisy(np.random.default_rng(2), 1.0, lambda values: values[STEPS] / 10)})
    assert find_in(points, SHARP) == find_in(points, SHARP)


def test_beyond_a_plateau_nothing_changes():
    generator = np.random.default_rng(3)
    points = observe(
        SWEPT,
        {
            "sharp": noisy(generator, 0.05, lambda values: 5.0 * (values[STEPS] >= 10)),
            "flat": noisy(generator, 3.0, lambda _: 0.0),
            "rising": noisy(generator, 0.05, lambda values: values[STEPS]),
        },
    )
    found = find_in(points, SHARP, FLAT, quality("rising"))
    plateaus = {each.metric: each for each in found.findings if each.kind == "plateau"}
    assert (plateaus["sharp"].values, plateaus["sharp"].verdict) == ((10,), "same")
    assert plateaus["sharp"].text.startswith("Beyond steps 10 nothing measurable changes in Sharp")
    assert (plateaus["flat"].values, plateaus["flat"].verdict) == ((), "untold")
    assert (plateaus["rising"].values, plateaus["rising"].verdict) == ((), "raises")
    assert plateaus[None].text == (
        "Beyond steps 10 nothing measurable changes in Sharp; at steps 40 there is still a change in Rising; these data"
        " do not tell from where on nothing changes in Flat (n\u00a0=\u00a05)."
    )


def test_what_depends_on_another_setting_is_said():
    def effect(values):
        return 3.0 * (values[GUIDANCE] > 4) * (values[STEPS] < 10)

    found = find_in(observe(SWEPT, {"sharp": noisy(np.random.default_rng(4), 0.05, effect)}), SHARP)
    (finding,) = (each for each in found.findings if each.kind == "interaction")
    assert (finding.setting, finding.other, finding.other_values, finding.verdict) == (
        STEPS,
        GUIDANCE,
        (3.0, 6.0),
        "depends",
    )
    assert finding.difference == pytest.approx(-3, abs=0.2)
    assert "What steps 5 → 40 does to Sharp depends on guide_scale" in finding.text


def test_categories_are_compared_pair_by_pair():
    offsets = {"unipc": 0.0, "dpmpp": 2.0, "euler": 2.0}
    points = observe(
        {SEED: range(6), SOLVER: list(offsets)},
        {"sharp": noisy(np.random.default_rng(5), 0.05, lambda values: offsets[values[SOLVER]])},
    )
    found = find_in(points, SHARP)
    assert finding_of(found, SOLVER, "sharp", "unipc", "euler").verdict == "raises"
    assert finding_of(found, SOLVER, "sharp", "dpmpp", "euler").verdict == "same"
    assert not [each for each in found.findings if each.kind == "plateau"]


def test_identical_videos_are_the_same():
    found = find_in(observe(SWEPT, {"sharp": lambda values: 0.1 * values[SEED], "seconds": lambda _: 3.0}), SHARP)
    effects = [each for each in found.findings if each.kind == "effect"]
    assert {(each.verdict, each.low, each.high) for each in effects} == {("same", 0.0, 0.0)}
    assert effects[0].text.endswith("exactly the same in all 5 draws.")


def test_what_matters_not_is_the_same_even_where_it_is_sure():
    points = observe(SWEPT, {"sharp": lambda values: 0.1 * (values[GUIDANCE] > 4) + 0.001 * values[SEED] ** 2})
    finding = finding_of(find_in(points, SHARP), GUIDANCE, "sharp", 3.0, 6.0)
    assert finding.verdict == "same"
    assert "hardly changes Sharp: 0.10" in finding.text


def test_of_costs_a_share_is_said():
    generator = np.random.default_rng(6)
    points = observe(SWEPT, {"seconds": lambda values: (10 + 5 * (values[GUIDANCE] > 4)) + 0.01 * generator.normal()})
    finding = finding_of(find_in(points), GUIDANCE, "seconds", 3.0, 6.0)
    assert finding.share == pytest.approx(0.5, abs=0.01)
    assert "raises Seconds by 5.00\u202fs, +50\u202f%" in finding.text
    assert finding.better is False


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        (1, "one seed only; add base_seed=0,1000,2000,3000,4000"),
        (2, "2 draws only"),
        (0, "no point has finished"),
    ],
)
def test_nothing_is_claimed_of_too_few_draws(seeds: int, words: str):
    found = find_in(observe({**SWEPT, SEED: range(seeds)}, {"sharp": lambda values: values[STEPS]}), SHARP)
    assert found.findings == ()
    assert found.recommendation.verdict == "untold"
    assert words in found.recommendation.text


def test_a_comparison_of_too_few_draws_is_untold():
    points = observe(SWEPT, {"sharp": lambda values: values[STEPS] + 0.1 * np.cos(7.0 * values[SEED])})
    points = [each for each in points if each.values[STEPS] != 40 or each.values[SEED] == 0]
    finding = finding_of(find_in(points, SHARP), STEPS, "sharp", 5, 40)
    assert (finding.n, finding.verdict, finding.difference, finding.p) == (1, "untold", None, None)
    assert "1 draw has both, and 3 are needed" in finding.text


def test_what_a_search_chose_has_no_rates():
    points = observe(SWEPT, {"sharp": noisy(np.random.default_rng(7), 1.0, lambda values: values[STEPS])})
    words = "Points that a search chose by the results of others have no such rates."
    assert words not in find_in(points, SHARP).method
    assert find(tuple(SWEPT), points, replace(subject_of(SHARP), is_search=True)).method.endswith(words)


def test_draws_alone_have_no_settings_to_speak_of():
    found = find_in(observe({SEED: range(8)}, {"sharp": lambda values: values[SEED]}), SHARP)
    assert found.findings == ()
    assert "nothing was varied but the draws" in found.recommendation.text


def test_findings_are_json():
    generator = np.random.default_rng(8)
    points = observe(SWEPT, {"sharp": noisy(generator, 0.1, lambda values: values[STEPS]), "seconds": lambda _: 1.0})
    holes = [Observation(each.number, each.values, {} if each.number % 7 == 0 else each.metrics) for each in points]
    data = json.loads(json.dumps(asdict(find_in(holes, SHARP, FLAT)), allow_nan=False))
    assert {each["metric"] for each in data["findings"]} == {"sharp", "seconds", None}


NOISES = {
    "normal": lambda generator: generator.normal(),
    "heavy-tailed": lambda generator: generator.standard_t(3),
    "skewed": lambda generator: np.exp(generator.normal()),
    "whole numbers": lambda generator: np.round(0.7 * generator.normal()),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("draws", [3, 5])
def test_pages_of_pure_chance_say_anything_false_no_more_often_than_stated(noise: str, draws: int):
    generator, pages, draw = np.random.default_rng(9), 60, NOISES[noise]
    metrics = [quality(f"chance-{index}") for index in range(4)]
    swept = {SEED: range(draws), STEPS: [5, 10, 20], GUIDANCE: [3.0, 6.0]}
    false = 0
    for _ in range(pages):
        points = observe(swept, {metric.key: lambda _: draw(generator) for metric in metrics})
        false += bool(changes_in(find_in(points, *metrics)))
    # At a rate of 5 % more than 8 in 60 come once in 400 times.
    assert false <= 8


def test_nothing_is_falsely_called_the_same():
    generator, false = np.random.default_rng(10), 0
    for _ in range(60):
        # The difference is exactly what matters.
        points = observe(
            {SEED: range(5), STEPS: [5, 10, 20]},
            {"sharp": noisy(generator, 0.3, lambda values: 1.0 * (values[STEPS] >= 20))},
        )
        found = find_in(points, SHARP)
        false += any(20 in each.values or each.kind == "plateau" for each in found.findings if each.verdict == "same")
    assert false <= 8
