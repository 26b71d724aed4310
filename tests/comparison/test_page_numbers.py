"""The numbers of the page in a browser: the answer, the table and its filter, the plots, the front."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import open_page
from tests.comparison.page_samples import (
    GUIDANCE,
    STEPS,
    Point,
    Sample,
    grey_tile,
    make_sample,
    sample_points,
    show_page,
    unmade,
)

pytestmark = pytest.mark.browser
PARAMETERS = {STEPS: [10, 20, 30, 40], GUIDANCE: [1, 4.5], "sampler.solver": ["unipc", "Euler A"]}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    points = sample_points(PARAMETERS)
    unmade(points[3], "FAILED", "CUDA out of memory")
    return make_sample(tmp_path_factory.mktemp("sample"), PARAMETERS, points, grey_tile, 1, 0)


@pytest.fixture
def page(browser: Browser, sample: Sample, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        yield page


def measure(point: Point, key: str) -> float | None:
    value = point["metrics"][key]
    if value is None and str(point["reasons"].get(key, "")).startswith("identical"):
        return math.inf
    return value


def measured(points: Sequence[Point], *keys: str) -> list[Point]:
    return [point for point in points if all(measure(point, key) is not None for key in keys)]


def numbers(page: Page) -> list[int]:
    """The points in the table, from top to bottom."""
    return [int(text) for text in page.locator("#points .row-open").all_inner_texts()]


def sort_by(page: Page, head: str) -> None:
    page.locator("#points thead th", has_text=head).first.locator("button").click()


def starred(page: Page) -> list[int]:
    return [
        int(number)
        for number in page.eval_on_selector_all(".card.is-answer", "(all) => all.map((one) => one.dataset.point)")
    ]


def fastest(points: Sequence[Point], threshold: float) -> Point:
    within = [point for point in measured(points, "psnr", "seconds") if measure(point, "psnr") >= threshold]  # type: ignore[operator]
    return min(
        (point for point in within if point["baseline"] != point["number"]), key=lambda one: one["metrics"]["seconds"]
    )


def test_the_answer_is_the_fastest_within_the_threshold(page: Page, sample: Sample):
    for threshold in ("30", "25", "33.5"):
        page.fill("#answer-number", threshold)
        best = fastest(sample.data["points"], float(threshold))
        assert page.inner_text("#verdict .point-name") == best["name"]
        assert f"{best['metrics']['seconds']:.1f}\u202fs" in page.inner_text("#verdict")
        assert starred(page) == [best["number"]]
        assert page.locator(f'#points tr.is-answer[data-point="{best["number"]}"]').count() == 1
        assert page.locator(f'.dot.is-answer[data-point="{best["number"]}"]').count() > 3
    assert page.input_value("#answer-slider") == "33.5"
    page.fill("#answer-slider", "30")
    assert starred(page) == [fastest(sample.data["points"], 30)["number"]]


def test_the_baseline_answers_only_for_want_of_others(page: Page, sample: Sample):
    page.fill("#answer-number", "99")
    baseline = sample.data["points"][-1]
    assert page.inner_text("#verdict").startswith(f"Nothing but the baseline itself, {baseline['name']}")
    assert starred(page) == [baseline["number"]]


def test_what_is_identical_is_within(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20, 40]}
    points = sample_points(parameters)
    points[1]["metrics"]["psnr"] = None
    points[1]["reasons"]["psnr"] = "identical to the baseline, to the last pixel"
    # However fast the baseline is, it does not count.
    points[2]["metrics"]["seconds"] = 1.0
    sample = make_sample(tmp_path, parameters, points, grey_tile, 1, 0)
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        page.fill("#answer-number", "1000")
        assert starred(page) == [2]
        assert "is identical to its baseline" in page.inner_text("#verdict")
        # Less is better here, so that at most is asked for.
        page.select_option("#answer-quality", "lpips")
        page.fill("#answer-number", "0.4")
        assert starred(page) == [1]
        assert "at most 0.400" in page.inner_text("#verdict")


def test_of_those_that_are_as_fast_the_closest_is_named(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20, 40]}
    points = sample_points(parameters)
    points[0]["metrics"]["seconds"] = points[1]["metrics"]["seconds"]
    sample = make_sample(tmp_path, parameters, points, grey_tile, 1, 0)
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        page.fill("#answer-number", "1")
        assert starred(page) == [2]


def test_no_answer_is_said_plainly(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20]}
    points = sample_points(parameters)
    points[1]["metrics"]["psnr"], points[1]["baseline"] = 25.0, None
    points[0]["baseline"] = None
    sample = make_sample(tmp_path, parameters, points, grey_tile, 1, 0)
    sample.data["baseline"] = None
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        page.fill("#answer-number", "60")
        verdict = page.inner_text("#verdict")
        assert verdict.startswith("No setting has at least 60.0\u202fdB of PSNR to the baseline.")
        assert verdict.endswith("The closest is steps 20, with 25.0\u202fdB.")
        assert starred(page) == []


def test_without_a_quality_there_is_no_question(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20]}
    sample = make_sample(tmp_path, parameters, sample_points(parameters), grey_tile, 1, 0)
    sample.data["metrics"] = [metric for metric in sample.data["metrics"] if metric["kind"] != "quality"]
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        assert "No quality has been measured" in page.inner_text("#verdict")
        assert page.is_hidden("#answer-controls")
        assert "No quality has been measured" in page.inner_text("#pareto-remark")


def test_rows_are_sorted_as_numbers_and_what_is_absent_comes_last(page: Page, sample: Sample):
    points = sample.data["points"]
    absent = [point["number"] for point in points if measure(point, "psnr") is None]
    rising = sorted(measured(points, "psnr"), key=lambda point: (measure(point, "psnr"), point["number"]))
    sort_by(page, "PSNR")
    assert numbers(page) == [point["number"] for point in rising] + absent
    sort_by(page, "PSNR")
    falling = sorted(measured(points, "psnr"), key=lambda point: (-(measure(point, "psnr") or 0), point["number"]))
    assert numbers(page) == [point["number"] for point in falling] + absent
    assert page.locator("#points th[aria-sort=descending]").count() == 1
    sort_by(page, "solver")
    assert numbers(page)[0] == 2
    sort_by(page, "status")
    assert numbers(page)[-1] == absent[0]


def test_what_is_absent_says_why(page: Page):
    cell = page.locator('#points tr[data-point="4"] td.is-absent').first
    assert cell.inner_text() == "–"
    assert cell.get_attribute("title") == "there is no video"
    identical = page.locator('#points tr[data-point="16"] td.is-absent')
    assert identical.inner_text() == "∞"
    assert identical.get_attribute("title") == "identical to the baseline"


FILTERS: Mapping[str, Callable[[Point], bool]] = {
    "steps>=30": lambda point: point["values"][STEPS] >= 30,
    "steps>=20 psnr>30": lambda point: point["values"][STEPS] >= 20 and (measure(point, "psnr") or 0) > 30,
    "sampler.steps=10 guidance!=1": lambda point: point["values"][STEPS] == 10 and point["values"][GUIDANCE] != 1,
    'solver="euler a" steps<20': lambda point: point["values"][STEPS] < 20 and "Euler A" in point["name"],
    '"euler a"': lambda point: "Euler A" in point["name"],
    "status=failed": lambda point: point["status"] == "FAILED",
    "CUDA": lambda point: point["status"] == "FAILED",
    "time_a_step<1": lambda point: (point["metrics"]["per_step"] or 9) < 1,
    "steps>90": lambda _: False,
}


def test_the_filter_keeps_what_holds(page: Page, sample: Sample):
    for text, keeps in FILTERS.items():
        page.fill("#filter", text)
        kept = [point["number"] for point in sample.data["points"] if keeps(point)]
        assert numbers(page) == kept, text
        assert page.inner_text("#filter-count") == f"{len(kept)} of 16"


def test_a_filter_by_what_is_no_column_is_said(page: Page):
    page.fill("#filter", "speed>3")
    assert "There is no column “speed”" in page.inner_text("#filter-count")
    assert len(numbers(page)) == 16
    # A row opens the details.
    page.click('#points tr[data-point="2"] td:last-child')
    assert page.is_visible("#details")


def test_every_metric_is_drawn_against_the_chosen_setting(page: Page, sample: Sample):
    assert page.locator(".plot").count() == len(sample.data["metrics"])
    plot = '.plot[data-metric="psnr"]'
    # The failed one has no place; the identical one lies at the edge.
    assert page.locator(f"{plot} .dot").count() == 15
    assert page.locator(f"{plot} path.dot").get_attribute("data-point") == "16"
    assert page.locator(f"{plot} polyline").count() == 2
    page.click("#plots-tabs button:has-text('solver')")
    assert page.inner_text(f"{plot} figcaption") == "solver"
    assert {"unipc", "Euler A"} <= set(page.locator(f"{plot} .axes text").all_text_contents())
    page.select_option("#plots-colour", STEPS)
    assert page.locator("#plots-legend li").all_inner_texts() == ["10", "20", "30", "40"]
    page.keyboard.press("Escape")
    page.focus("#plots-tabs button[aria-selected=true]")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#plots-tabs button[aria-selected=true]") == "steps"


def test_lines_join_the_means(page: Page, sample: Sample):
    page.select_option("#plots-colour", "")
    plot = '.plot[data-metric="seconds"]'
    (line,) = page.locator(f"{plot} polyline").all()
    drawn = [float(pair.split(",")[1]) for pair in (line.get_attribute("points") or "").split()]
    seconds = {
        steps: [
            point["metrics"]["seconds"]
            for point in measured(sample.data["points"], "seconds")
            if point["values"][STEPS] == steps
        ]
        for steps in PARAMETERS[STEPS]
    }
    means = [sum(values) / len(values) for values in seconds.values()]
    # Pixels are linear in seconds: equal ratios of distances.
    share = [(mean - means[0]) / (means[-1] - means[0]) for mean in means]
    assert [(place - drawn[0]) / (drawn[-1] - drawn[0]) for place in drawn] == pytest.approx(share)


def beats(one: Point, other: Point, quality: str, cost: str) -> bool:
    sign = {"psnr": 1, "lpips": -1}[quality]
    mine, its = ((sign * (measure(point, quality) or 0), -point["metrics"][cost]) for point in (one, other))
    return mine != its and all(left >= right for left, right in zip(mine, its, strict=True))


def test_the_front_is_what_nothing_beats(page: Page, sample: Sample):
    for quality, cost in itertools.product(("psnr", "lpips"), ("seconds", "memory")):
        page.select_option("#pareto-quality", quality)
        page.select_option("#pareto-cost", cost)
        points = measured(sample.data["points"], quality, cost)
        front = [point["number"] for point in points if not any(beats(rival, point, quality, cost) for rival in points)]
        drawn = page.eval_on_selector_all("#pareto .on-front", "(dots) => dots.map((dot) => Number(dot.dataset.point))")
        assert sorted(drawn) == sorted(front)
        assert page.locator("#pareto .dot").count() == len(points)
        assert f"{len(front)} of {len(points)} points" in page.inner_text("#pareto-remark")


def test_names_on_the_front_do_not_touch(page: Page):
    boxes = page.eval_on_selector_all(
        "#pareto .labels text",
        "(labels) => labels.map((label) => label.getBoundingClientRect()).map((box) => ({ ...box.toJSON() }))",
    )
    assert len(boxes) >= 2
    for one, other in itertools.combinations(boxes, 2):
        apart_across = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert apart_across or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]


def test_notes_say_what_is_meant(page: Page):
    notes = page.inner_text("#notes")
    assert "What psnr to the baseline is." in notes
    assert page.get_attribute("#notes a", "href") == "./comparison.csv"
