"""The views of the page in a browser: the grid, the difference of two, the details, and how they hang together."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import await_true, open_page
from tests.comparison.page_samples import (
    GUIDANCE,
    SHIFT,
    STEPS,
    Sample,
    await_shade,
    await_shades,
    grey_tile,
    make_sample,
    read_shade,
    sample_points,
    shade_of,
    show_page,
    unmade,
)

pytestmark = pytest.mark.browser
HOSTILE = '<script>document.title = "broken"</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """3 × 2 × 2 points, of which one has failed and one has not been begun."""
    parameters = {SHIFT: [3, 5], STEPS: [10, 20, 40], GUIDANCE: [1, 4.5]}
    points = sample_points(parameters)
    unmade(points[1], "FAILED", "CUDA out of memory")
    unmade(points[4], "MISSING", None)
    return make_sample(tmp_path_factory.mktemp("sample"), parameters, points, grey_tile, 1, 1)


@pytest.fixture
def page(browser: Browser, sample: Sample, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        yield page


def texts(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def marked(page: Page, mark: str) -> dict[str, int]:
    """How many elements have a mark, by the number of their point."""
    return page.evaluate(
        """(mark) => {
            const counts = {};
            for (const { dataset } of document.querySelectorAll(`.${mark}`)) {
                counts[dataset.point] = (counts[dataset.point] ?? 0) + 1;
            }
            return counts;
        }""",
        mark,
    )


def test_the_head_says_what_was_swept_and_how_it_went(page: Page):
    assert page.title() == page.inner_text("h1") == "Steps and guidance"
    assert "shift (2) × steps (3) × guidance (2)" in page.inner_text("#swept")
    assert texts(page, "#counts li") == ["10 finished", "1 failed", "1 not begun"]
    assert "1347279643, drawn for all" in page.inner_text("#facts")
    assert page.inner_text("#command") == "python -m s2v_runner +sweeps=guidance sampler.steps=10,20,40"


def test_the_longest_setting_runs_across_the_next_down_and_the_rest_makes_blocks(page: Page):
    assert texts(page, ".group h3") == ["guidance 1", "guidance 4.5"]
    first = ".group:first-child"
    assert texts(page, f"{first} thead th[scope=col]") == ["10", "20", "40"]
    assert texts(page, f"{first} tbody th") == ["3", "5"]
    assert texts(page, f"{first} tbody tr:first-child .card-name") == ["#1", "#3", "#5"]

    page.select_option("#grid-group", "guidance 4.5")
    assert texts(page, ".group h3") == ["guidance 4.5"]
    page.select_option("#grid-rows", GUIDANCE)
    assert texts(page, ".group h3") == ["shift 3", "shift 5"]
    # The two change places.
    page.select_option("#grid-columns", GUIDANCE)
    assert texts(page, f"{first} thead th[scope=col]") == ["1", "4.5"]
    assert texts(page, f"{first} tbody th") == ["10", "20", "40"]
    page.select_option("#grid-rows", "")
    assert page.locator(".flow .card").count() == 12
    assert texts(page, ".flow .card-name")[:2] == ["shift 3, steps 10, guidance 1", "shift 3, steps 20, guidance 1"]


def test_a_redrawn_grid_goes_on_showing_pictures(page: Page, sample: Sample):
    page.select_option("#grid-rows", GUIDANCE)
    page.select_option("#grid-metric", "seconds")
    page.fill("#grid-size", "100")
    await_shades(page, sample, 0)
    seconds = sample.point(1)["metrics"]["seconds"]
    assert texts(page, '.card[data-point="1"] .card-value') == [f"{seconds:.1f}\u202fs"]
    page.click("#step-on")
    await_shades(page, sample, 1)


def test_what_comes_into_view_shows_the_frame_of_the_others(page: Page, sample: Sample):
    page.fill("#grid-size", "480")
    page.click("#step-on")
    await_shade(page, '.card[data-point="1"] canvas', 0.5, shade_of(sample.point(1), 1), 2)
    page.locator('.card[data-point="12"]').scroll_into_view_if_needed()
    await_shade(page, '.card[data-point="12"] canvas', 0.5, shade_of(sample.point(12), 1), 2)


def test_cells_have_the_size_that_is_asked_for(page: Page):
    page.fill("#grid-size", "200")
    assert page.locator(".card").first.bounding_box()["width"] == 200  # pyright: ignore[reportOptionalSubscript]
    assert page.get_attribute("#grid-fit", "aria-pressed") == "false"
    page.click("#grid-fit")
    assert page.locator(".card").first.bounding_box()["width"] > 200  # pyright: ignore[reportOptionalSubscript]


def test_heads_stay_in_sight(page: Page):
    page.fill("#grid-size", "480")
    page.evaluate("document.getElementById('grid').scrollTo(300, 200)")
    frame, corner, column, row = (
        page.locator(selector).first.bounding_box()
        for selector in ("#grid", "th.axes", "table.grid th[scope=col]", "table.grid th[scope=row]")
    )
    assert frame is not None
    assert corner is not None
    assert column is not None
    assert row is not None
    assert corner["x"] == pytest.approx(frame["x"], abs=2)
    assert row["x"] == pytest.approx(frame["x"], abs=2)
    assert column["y"] == pytest.approx(frame["y"], abs=2)


def test_points_without_a_video_say_why(page: Page):
    failed = page.inner_text('.card[data-point="2"]')
    assert "failed" in failed
    assert "CUDA out of memory" in failed
    assert "It has not been begun." in page.inner_text('.card[data-point="5"]')
    page.click('.card[data-point="2"] .card-open')
    assert "CUDA out of memory" in page.inner_text("#details .why")
    assert "there is no video" in page.inner_text("#details")


def test_what_is_pointed_at_is_marked_everywhere(page: Page):
    plots = page.locator(".plot").count()
    # Its card, its row, its dots in the plots and beside the front.
    page.hover('.card[data-point="3"]')
    counts = marked(page, "is-highlighted")
    assert set(counts) == {"3"}
    assert counts["3"] >= plots + 3
    page.wait_for_selector("#tip:not([hidden])")
    assert "PSNR to the baseline" in page.inner_text("#tip")
    page.hover("h1")
    assert marked(page, "is-highlighted") == {}

    page.hover('#points tr[data-point="7"] td:last-child')
    assert set(marked(page, "is-highlighted")) == {"7"}

    dot = page.locator('.plot[data-metric="seconds"] .dot[data-point="9"]')
    dot.scroll_into_view_if_needed()
    box = dot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert set(marked(page, "is-highlighted")) == {"9"}
    page.keyboard.press("b")
    assert page.input_value("#difference-second") == "9"
    # Focus points too.
    page.focus("#filter")
    page.mouse.move(5, 5)
    page.keyboard.press("Shift+Tab")
    page.focus('#points tr[data-point="4"] button')
    assert set(marked(page, "is-highlighted")) == {"4"}


def test_details_tell_all_and_lead_to_the_files(page: Page, sample: Sample):
    page.click('.card[data-point="3"] .card-open')
    details = page.inner_text("#details")
    assert page.inner_text("#details-name") == sample.point(3)["name"]
    assert "1024 × 704" in details
    assert "speech 0.wav" in details
    assert sample.point(12)["name"] in details
    links = [link.get_attribute("href") for link in page.locator("#details a").all()]
    assert links == [f"./{sample.point(3)['video']}", f"./{sample.point(3)['folder']}"]
    await_true(page, "document.querySelector('#details canvas').width === 48")
    assert read_shade(page, "#details canvas", 0.5) == pytest.approx(shade_of(sample.point(3), 0), abs=2)
    page.click("#details button[aria-label='The next point']")
    assert page.inner_text("#details-name") == sample.point(4)["name"]
    page.click("#details button:has-text('Compare as A')")
    assert page.input_value("#difference-first") == "4"
    page.click("#details button[aria-label='Close']")
    assert page.is_hidden("#details")


def test_no_text_becomes_markup(browser: Browser, tmp_path: Path):
    parameters = {"prompt": [HOSTILE, f"{HOSTILE} again"], STEPS: [10, 20]}
    points = sample_points(parameters)
    unmade(points[0], "FAILED", HOSTILE)
    sample = make_sample(tmp_path, parameters, points, grey_tile, 1, 1)
    for key in ("title", "command", "made", "baseline"):
        sample.data[key] = HOSTILE
    sample.data["summary"] = [[HOSTILE, HOSTILE]]
    sample.data["sounds"][0]["name"] = HOSTILE
    for metric in sample.data["metrics"]:
        metric.update(name=HOSTILE, help=HOSTILE, unit=HOSTILE)
    points[2].update(folder=HOSTILE, video=f"javascript:{HOSTILE}")
    points[2]["reasons"] = {"psnr": HOSTILE}
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        for point in points:
            page.click(f'.card[data-point="{point["number"]}"] .card-open')
            page.keyboard.press("Escape")
        page.hover('.card[data-point="3"]')
        page.wait_for_selector("#tip:not([hidden])")
        page.fill("#filter", HOSTILE)
        assert page.title() == page.inner_text("h1") == HOSTILE
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_theme_is_chosen_and_kept(page: Page):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert dark != light
    page.click("#theme")
    assert page.evaluate(ground) == light
    page.click("#theme")
    page.emulate_media(color_scheme="light")
    page.reload()
    assert page.inner_text("#theme") == "Theme: dark"
    assert page.evaluate(ground) == dark


def test_two_hundred_points(browser: Browser, tmp_path: Path):
    parameters = {
        STEPS: list(range(4, 44, 4)),
        GUIDANCE: [1, 2, 3, 4.5],
        "sampler.solver": ["a" * 40, "b", "c", "d", "e"],
    }
    points = sample_points(parameters)
    for number in (3, 50, 120):
        unmade(points[number], "KILLED", None)
    sample = make_sample(tmp_path, parameters, points, grey_tile, 1, 1)
    for width in (1280, 800):
        with open_page(browser, width) as page:
            show_page(page, sample, tmp_path)
            assert page.evaluate("performance.getEntriesByName('first-picture')[0].startTime") < 15_000
            assert page.locator(".card").count() == page.locator("#points tbody tr").count() == 200
            for section in page.locator("main > section").all():
                section.scroll_into_view_if_needed()
                assert page.evaluate("document.documentElement.scrollWidth") == width
            tops = page.eval_on_selector_all(".plot", "(plots) => plots.map((plot) => plot.offsetTop)")
            assert tops.count(tops[0]) == {1280: 3, 800: 2}[width]
            page.click('#points tr[data-point="200"] td:last-child')
            assert page.evaluate("document.documentElement.scrollWidth") == width
