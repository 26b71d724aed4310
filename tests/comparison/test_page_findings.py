"""The findings of the page in a browser, and the page with every metric there is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from s2v_runner.comparison.measures import METRICS
from tests.browser import await_true, open_page
from tests.comparison.findings_samples import MOUTH, STEPS_SWEPT, findings_sample
from tests.comparison.page_samples import GUIDANCE, STEPS, Sample, grey_tile, make_sample, sample_points, show_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return findings_sample(tmp_path_factory.mktemp("sample"), draws=5)


@pytest.fixture
def page(browser: Browser, sample: Sample, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        yield page


def finding(sample: Sample, setting: str, metric: str) -> dict:
    return next(
        each
        for each in sample.data["findings"]["findings"]
        if (each["setting"], each["metric"], each["whole"], each["kind"]) == (setting, metric, True, "effect")
    )


def test_the_recommendation_comes_first_and_the_method_last(page: Page, sample: Sample):
    data = sample.data["findings"]
    words = page.inner_text("#findings")
    places = [words.index(part) for part in (data["recommendation"]["text"], "guidance 1 → 4.5", data["method"])]
    assert places == sorted(places)
    # From 10 steps on the mouth is the same, and which of them has the best mean is chance.
    assert data["recommendation"]["settings"][STEPS] in STEPS_SWEPT[1:]
    assert data["recommendation"]["settings"][GUIDANCE] == 4.5
    assert page.inner_text("#recommendation-reasons") == data["recommendation"]["reasons"]
    assert page.get_attribute("#recommendation", "class") == "sheet recommendation"


def test_findings_are_grouped_by_setting_and_fit_a_screen(page: Page, sample: Sample):
    groups = page.locator(".finding-group")
    assert groups.locator("h3").all_inner_texts() == ["steps", "guidance"]
    guidance = page.locator(f'.finding-group[data-setting="{GUIDANCE}"]')
    raised = finding(sample, GUIDANCE, MOUTH)
    assert (raised["verdict"], raised["better"]) == ("raises", True)
    assert guidance.locator(".finding-text").first.inner_text() == raised["text"]
    assert guidance.locator(".finding-sign.for-better").first.inner_text() == "↑"
    assert "Beyond steps 10 nothing measurable changes in Mouth with loudness" in page.inner_text("#findings")
    box = page.locator("#findings").bounding_box()
    assert box is not None
    assert box["height"] < 900
    rest = page.locator(f'.finding-group[data-setting="{STEPS}"] > details')
    shown = page.locator(".finding").count()
    rest.locator("summary").click()
    await_true(page, f"document.querySelectorAll('.finding').length > {shown}")


def test_what_the_data_do_not_tell_is_in_sight(page: Page, sample: Sample):
    untold = page.locator(f'.finding-group[data-setting="{GUIDANCE}"] .untold')
    assert untold.inner_text().startswith("These data do not tell of")
    chip = untold.locator("button", has_text="Flicker")
    assert chip.is_visible()
    assert chip.get_attribute("title") == finding(sample, GUIDANCE, "flicker")["text"]
    assert untold.locator("button", has_text="Mouth with loudness").count() == 0


def test_an_interval_is_drawn_about_zero(page: Page, sample: Sample):
    row = page.locator(f'.finding-group[data-setting="{GUIDANCE}"] .finding').first
    zero, tick = (float(row.locator(f".{part}").get_attribute("x1") or "nan") for part in ("zero", "mean-tick"))
    low, high = (float(row.locator(".reach").get_attribute(end) or "nan") for end in ("x1", "x2"))
    assert zero < low <= tick <= high
    raised = finding(sample, GUIDANCE, MOUTH)
    share = (tick - zero) / (high - zero)
    assert share == pytest.approx(raised["difference"] / raised["high"], abs=0.02)
    stroke = "getComputedStyle(document.querySelector('.finding .reach')).stroke"
    light = page.evaluate(stroke)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(stroke) != light


def test_a_finding_leads_to_its_plot(page: Page):
    page.locator(f'.finding-group[data-setting="{GUIDANCE}"] .finding-text').first.click()
    assert page.inner_text("#plots-tabs button[aria-selected=true]") == "guidance"
    assert page.inner_text(f'.plot[data-metric="{MOUTH}"] figcaption') == "guidance"
    # One of a metric that is not among the main ones has all of them shown.
    assert page.locator('.plot[data-metric="clipped"]').count() == 0
    page.locator(f'.finding-group[data-setting="{STEPS}"] .untold button', has_text="Clipped").click()
    assert page.inner_text('.plot[data-metric="clipped"] figcaption') == "steps"


def test_of_many_metrics_the_main_ones_are_shown_and_all_on_demand(page: Page):
    few = page.locator(".plot").count()
    assert few <= 12
    assert page.locator("#points thead th").count() == few + 5
    page.locator("#table .every-metric").click()
    assert page.locator(".plot").count() == len(METRICS)
    assert page.locator("#points thead th").count() == len(METRICS) + 5
    assert page.locator("#points tbody tr").count() == 40
    page.locator("#plots .every-metric").click()
    assert page.locator(".plot").count() == few
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    # What is not shown can be asked for all the same.
    page.fill("#filter", "clipped<-99")
    assert page.inner_text("#filter-count") == "0 of 40"


def test_quality_against_cost_is_of_the_mouth(page: Page):
    assert page.input_value("#pareto-quality") == MOUTH
    assert page.input_value("#answer-quality") == "psnr"


def test_the_plots_are_against_a_setting_and_not_against_chance(page: Page):
    assert page.inner_text("#plots-tabs button[aria-selected=true]") == "steps"


def test_one_seed_is_told_to_be_too_few(browser: Browser, tmp_path: Path):
    sample = findings_sample(tmp_path, draws=1)
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        assert page.inner_text("#recommendation-text") == (
            "These data do not tell which settings to use: one seed only; add base_seed=0,1000,2000,3000,4000."
        )
        assert "is-untold" in (page.get_attribute("#recommendation", "class") or "")
        assert page.locator(".finding").count() == 0


def test_a_page_without_findings_has_no_section_of_them(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20]}
    sample = make_sample(tmp_path, parameters, sample_points(parameters), grey_tile, 1, 0)
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        assert page.locator("#findings").count() == 0
        assert "Findings" not in page.inner_text("#section-links")
        assert page.locator(".every-metric").first.is_hidden()


def test_quality_against_cost_has_a_dot_for_each_choice_of_settings(page: Page, sample: Sample):
    remark = page.inner_text("#pareto-remark")
    points = sample.data["points"]
    choices = {tuple(value for key, value in point["values"].items() if key != "base_seed") for point in points}
    assert len(choices) < len(points)
    assert f"of {len(choices)} choices" in remark
    assert "A dot is the mean over base_seed; its lines span the points." in remark
    assert page.locator("#pareto .dot").count() == len(choices)


def test_reasons_of_several_lines_are_lines(browser: Browser, tmp_path: Path):
    sample = findings_sample(tmp_path, draws=5)
    sample.data["findings"]["recommendation"]["reasons"] = "steps 40: the best.\nguidance 1: faster."
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        assert page.inner_text("#recommendation-reasons") == "steps 40: the best.\nguidance 1: faster."
        assert page.locator(".finding").count() > 0
