"""A search on the page: a dot for each trial, and which settings are on the front."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from s2v_runner.comparison.searched import search_data
from s2v_runner.tracking.definition import PointDefinition, SearchDefinition, SweepDefinition, TrialDefinition
from tests.browser import open_page
from tests.comparison.page_samples import (
    GUIDANCE,
    STEPS,
    Sample,
    grey_tile,
    make_sample,
    sample_points,
    show_page,
    unmade,
)
from tests.comparison.test_baseline import GRID

SEED = "base_seed"
PARAMETERS = {STEPS: [10, 20, 30, 40], GUIDANCE: [3.25], SEED: [0, 1000]}


def searched(parameters: dict[str, list[Any]]) -> SweepDefinition:
    """A trial for each two points, and the first of them asked for again."""
    points = tuple(
        PointDefinition(number=number, identity=f"{number:064}", values={STEPS: steps, GUIDANCE: 3.25, SEED: seed})
        for number, (steps, seed) in enumerate(
            ((steps, seed) for steps in parameters[STEPS] for seed in parameters[SEED]), 1
        )
    )
    trials = [
        TrialDefinition(
            number=number, values={STEPS: steps, GUIDANCE: 3.25}, points=(2 * number - 1, 2 * number), notes={}
        )
        for number, steps in enumerate(parameters[STEPS], 1)
    ]
    search = SearchDefinition(
        objectives=("lpips", "seconds"),
        space={STEPS: "4…40", GUIDANCE: "1.0…6.0"},
        sampler="tpe",
        seed=0,
        trials=(*trials, replace(trials[0], number=len(trials) + 1)),
    )
    return replace(GRID, points=points, swept=(STEPS, GUIDANCE, SEED), search=search)


def test_trials_of_the_same_points_are_one():
    data = search_data(searched(PARAMETERS))
    assert data is not None
    assert data["objectives"] == ["lpips", "seconds"]
    assert data["averaged"] == [SEED]
    assert data["asked"] == 5
    assert [(trial["number"], trial["points"]) for trial in data["trials"]] == [
        (number, [2 * number - 1, 2 * number]) for number in (1, 2, 3, 4)
    ]
    assert data["trials"][0]["name"] == "steps 10, guide_scale 3.25"
    assert search_data(GRID) is None


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    points = sample_points(PARAMETERS)
    unmade(points[5], "FAILED", "CUDA out of memory")
    sample = make_sample(tmp_path_factory.mktemp("sample"), PARAMETERS, points, grey_tile, 1, 0)
    return replace(sample, data={**sample.data, "search": search_data(searched(PARAMETERS))})


@pytest.fixture
def page(browser: Browser, sample: Sample, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        yield page


@pytest.mark.browser
def test_a_dot_is_the_mean_of_a_trial(page: Page, sample: Sample):
    assert page.input_value("#pareto-quality") == "lpips"
    assert page.input_value("#pareto-cost") == "seconds"
    dots = page.eval_on_selector_all(
        "#pareto .dot", "(dots) => dots.map((dot) => [Number(dot.dataset.point), Number(dot.getAttribute('cx'))])"
    )
    # A trial of which a point failed has no mean.
    assert sorted(number for number, _ in dots) == [1, 3, 7]
    places = dict(dots)
    means = {
        number: fmean(sample.point(each)["metrics"]["seconds"] for each in (number, number + 1)) for number in places
    }
    share = (places[3] - places[1]) / (places[7] - places[1])
    assert share == pytest.approx((means[3] - means[1]) / (means[7] - means[1]), abs=1e-6)
    assert page.locator("#pareto line.spread").count() == 2 * len(dots)


@pytest.mark.browser
def test_the_settings_on_the_front_are_named(page: Page):
    remark = page.inner_text("#pareto-remark")
    assert "3 of 3 trials are on the front: no other is better in both." in remark
    assert "1 trial without both is not drawn." in remark
    assert "5 trials were asked for, 1 of them of settings that were known." in remark
    assert "A dot is the mean of the 2 points of a trial, over base_seed; its lines span them." in remark
    names = "; ".join(f"steps {steps}, guide_scale 3.25" for steps in (10, 20, 40))
    assert f"On the front, from the cheapest: {names}." in remark
