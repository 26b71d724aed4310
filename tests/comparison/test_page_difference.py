"""Two videos beside each other in a browser: what is between them, to the shade."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import await_true, open_page
from tests.comparison.page_samples import (
    GUIDANCE,
    STEPS,
    Sample,
    await_shade,
    grey_tile,
    make_sample,
    sample_points,
    shade_of,
    show_page,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    parameters = {STEPS: [10, 20, 40], GUIDANCE: [1, 4.5]}
    return make_sample(tmp_path_factory.mktemp("sample"), parameters, sample_points(parameters), grey_tile, 1, 1)


@pytest.fixture
def page(browser: Browser, sample: Sample, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        yield page


def choose_pair(page: Page, first: int, second: int) -> None:
    page.select_option("#difference-first", str(first))
    page.select_option("#difference-second", str(second))
    page.evaluate("document.getElementById('difference').scrollIntoView({ behavior: 'instant' })")
    await_true(page, "document.getElementById('canvas-difference').width > 1")


def test_the_difference_is_amplified_as_asked(page: Page, sample: Sample):
    one, other = (shade_of(sample.point(number), 0) for number in (3, 4))
    choose_pair(page, 3, 4)
    await_shade(page, "#canvas-a", 0.5, one, 2)
    await_shade(page, "#canvas-b", 0.5, other, 2)
    for gain in (1, 5, 16):
        page.fill("#difference-gain", str(gain))
        await_shade(page, "#canvas-difference", 0.5, min(255, abs(one - other) * gain), 2 * gain)
    assert page.inner_text("#caption-difference") == "× 16"
    # It goes along with the clock.
    page.click("#step-on")
    await_shade(page, "#canvas-a", 0.5, shade_of(sample.point(3), 1), 2)
    await_shade(page, "#canvas-b", 0.5, shade_of(sample.point(4), 1), 2)
    page.click("#difference-swap")
    await_shade(page, "#canvas-a", 0.5, shade_of(sample.point(4), 1), 2)
    # From itself nothing differs, however much it is amplified.
    choose_pair(page, 3, 3)
    await_shade(page, "#canvas-difference", 0.5, 0, 0)


def test_the_wipe_shows_one_on_either_side(page: Page, sample: Sample):
    one, other = (shade_of(sample.point(number), 0) for number in (3, 6))
    choose_pair(page, 3, 6)
    page.fill("#wipe-slider", "0.25")
    await_shade(page, "#canvas-wipe", 0.2, one, 2)
    await_shade(page, "#canvas-wipe", 0.3, other, 2)
    box = page.locator("#wipe").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20)
    page.mouse.up()
    assert float(page.input_value("#wipe-slider")) == pytest.approx(0.75, abs=0.01)
    await_shade(page, "#canvas-wipe", 0.7, one, 2)
    await_shade(page, "#canvas-wipe", 0.8, other, 2)


def test_the_second_is_brought_to_the_size_of_the_first(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20]}
    sample = make_sample(tmp_path, parameters, sample_points(parameters), grey_tile, 1, 0)
    tile = sample.point(2)["tile"]
    sample.point(2)["tile"] = {**tile, "width": 24, "height": 16}
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        choose_pair(page, 1, 2)
        gap = abs(shade_of(sample.point(1), 0) - shade_of(sample.point(2), 0))
        page.fill("#difference-gain", "1")
        for share in (0.1, 0.9):
            await_shade(page, "#canvas-difference", share, gap, 3)
        for name in ("a", "b", "difference"):
            assert page.evaluate("(id) => document.getElementById(id).width", f"canvas-{name}") == 48


def test_the_table_under_the_pictures_weighs_the_two(page: Page):
    choose_pair(page, 1, 3)
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in page.inner_text("#pair").splitlines()}
    assert rows["steps"][:2] == ["10", "20"]
    assert "guidance" not in rows
    assert rows["Time"][2].startswith("+")
    assert page.locator("#pair .for-worse").count() >= 1
