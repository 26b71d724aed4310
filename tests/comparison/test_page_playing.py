"""The page in a browser: it plays, from the disk and in MLflow's frame, and every picture is the right one."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Frame, Page

from tests.browser import await_true, open_page
from tests.comparison.page_samples import (
    FRAMES,
    GUIDANCE,
    STEPS,
    Sample,
    await_shades,
    grey_tile,
    make_sample,
    read_shade,
    sample_points,
    shade_of,
    show_page,
)

pytestmark = pytest.mark.browser
FRAMED = """<!doctype html><title>As MLflow shows it</title><script>
fetch("comparison.html").then((answer) => answer.text()).then((text) => {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts";
  frame.style = "width: 1200px; height: 860px; border: 0";
  frame.src = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  document.body.append(frame);
});
</script><body></body>"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    points = sample_points({STEPS: [10, 20, 40], GUIDANCE: [1, 3]})
    return make_sample(
        tmp_path_factory.mktemp("sample"), {STEPS: [10, 20, 40], GUIDANCE: [1, 3]}, points, grey_tile, 1, 1
    )


def scrub(page: Page, frame: int) -> None:
    page.evaluate(
        """(frame) => {
            const slider = document.getElementById("scrub");
            slider.value = frame;
            slider.dispatchEvent(new Event("input"));
        }""",
        frame,
    )


def played_seconds(page: Page | Frame) -> float:
    return page.evaluate("document.querySelector('video').currentTime")


def await_playing(page: Page | Frame) -> None:
    await_true(page, "document.querySelector('video').currentTime > 0.3")


def test_it_plays_from_the_disk(browser: Browser, sample: Sample, tmp_path: Path):
    with open_page(browser, 1280) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        address = show_page(page, sample, tmp_path)
        await_shades(page, sample, 0)
        page.click("#play")
        await_playing(page)
        await_true(page, "document.getElementById('frame').textContent.startsWith('frame 1 ') === false")
        page.click("#play")
        stopped = int(page.inner_text("#frame").split()[1]) - 1
        assert 0 < stopped < FRAMES
        await_shades(page, sample, stopped)
        # Nothing but the page itself, and what is in it.
        assert {url for url in asked if not url.startswith("blob:")} == {address}


def test_it_plays_in_a_frame_that_may_do_nothing_but_run_scripts(browser: Browser, sample: Sample, tmp_path: Path):
    text = sample.write(tmp_path).read_text(encoding="utf-8")
    with open_page(browser, 1280) as page:
        page.route("http://tracking.test/", lambda route: route.fulfill(body=FRAMED, content_type="text/html"))
        page.route("http://tracking.test/comparison.html", lambda route: route.fulfill(body=text))
        page.goto("http://tracking.test/")
        page.wait_for_selector("iframe")
        frame = page.frames[1]
        frame.wait_for_selector("#transport:not([hidden])")
        assert frame.evaluate("window.origin") == "null"
        assert seen_shade(frame, 1) == pytest.approx(shade_of(sample.point(1), 0), abs=4)
        frame.click("#play")
        await_playing(frame)
        frame.click("#play")
        stopped = int(frame.inner_text("#frame").split()[1]) - 1
        assert seen_shade(frame, 1) == pytest.approx(shade_of(sample.point(1), stopped), abs=4)

        # Where nothing can be opened, nothing looks as if it could: paths are texts.
        frame.click('[data-point="2"] .card-open')
        assert frame.locator("a").count() == 0
        assert sample.point(2)["video"] in frame.inner_text("#details")
        page.keyboard.press("Escape")
        # Nor is there a place to remember the theme.
        frame.click("#theme")
        assert frame.inner_text("#theme") == "Theme: light"


def seen_shade(frame: Frame, number: int) -> int:
    """The grey that is on the screen in a card, in the middle of its picture."""
    canvas = frame.locator(f'.card[data-point="{number}"] canvas')
    picture = Image.open(io.BytesIO(canvas.screenshot()))
    shade = picture.convert("L").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(shade, int)
    return shade


def test_scrubbing_shows_the_frame_that_was_asked_for(browser: Browser, sample: Sample, tmp_path: Path):
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        # One after the other without waiting: the last one counts.
        for frame in (3, 20, 7, FRAMES - 1):
            scrub(page, frame)
        await_shades(page, sample, FRAMES - 1)
        for frame in (0, 11, 12, 1):
            scrub(page, frame)
            await_shades(page, sample, frame)
            assert page.inner_text("#frame") == f"frame {frame + 1} / {FRAMES}"
        assert page.inner_text("#time") == "0:00.06 / 0:01.50"


def test_keys_play_and_step(browser: Browser, sample: Sample, tmp_path: Path):
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        for key, frame in (("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("Shift+ArrowRight", 20)):
            page.keyboard.press(key)
            await_shades(page, sample, frame)
        page.keyboard.press("Shift+ArrowRight")
        await_shades(page, sample, FRAMES - 1)
        page.keyboard.press("Space")
        assert page.get_attribute("#play", "aria-label") == "Pause"
        await_playing(page)
        # On a card too, which Enter opens.
        page.focus('.card[data-point="1"] .card-open')
        page.keyboard.press("Space")
        assert page.get_attribute("#play", "aria-label") == "Play"
        assert page.is_hidden("#details")
        page.keyboard.press("Enter")
        assert page.is_visible("#details")
        page.keyboard.press("Escape")
        assert page.is_hidden("#details")
        # What is typed is typed.
        page.focus("#filter")
        page.keyboard.type("a b")
        assert page.get_attribute("#play", "aria-label") == "Play"
        assert page.input_value("#filter") == "a b"


def test_it_goes_round_or_stops_at_the_end(browser: Browser, sample: Sample, tmp_path: Path):
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        page.select_option("#speed", "2")
        scrub(page, FRAMES - 4)
        page.click("#play")
        await_true(page, "document.querySelector('video').currentTime < 0.8")
        assert page.get_attribute("#play", "aria-label") == "Pause"
        page.click("#loop")
        page.wait_for_selector("#play[aria-label=Play]")
        await_shades(page, sample, FRAMES - 1)
        # Once more from the start.
        page.click("#play")
        await_true(page, "document.querySelector('video').currentTime < 0.8")


def test_mosaics_keep_together(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20, 40]}
    sample = make_sample(tmp_path, parameters, sample_points(parameters), grey_tile, 3, 0)
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        scrub(page, 9)
        await_shades(page, sample, 9)
        play_slowly_once(page)
        # One is thrown back, and comes along again while they play.
        page.evaluate("document.querySelectorAll('video')[1].currentTime = 0")
        await_true(
            page,
            """() => {
                const [lead, ...others] = document.querySelectorAll("video");
                const near = (video) => Math.abs(video.currentTime - lead.currentTime) < 0.1;
                return !lead.paused && others.every((video) => !video.seeking && near(video));
            }""",
        )
        page.click("#play")
        await_shades(page, sample, int(page.inner_text("#frame").split()[1]) - 1)


def play_slowly_once(page: Page) -> None:
    page.select_option("#speed", "0.25")
    page.click("#loop")
    page.click("#play")
    await_playing(page)


def test_the_sound_of_the_card_that_is_pointed_at_is_heard(browser: Browser, tmp_path: Path):
    parameters = {STEPS: [10, 20, 40]}
    sample = make_sample(tmp_path, parameters, sample_points(parameters), grey_tile, 1, 2)
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        play_slowly_once(page)
        page.click("#sound")
        assert page.locator("audio").count() == 0
        page.hover('.card[data-point="2"]')
        await_true(page, "document.querySelector('audio')?.currentTime > 0 && !document.querySelector('audio').paused")
        # Out of step, it is set right.
        page.evaluate("document.querySelector('audio').currentTime = 0")
        await_true(
            page,
            """() => {
                const [video, audio] = ["video", "audio"].map((name) => document.querySelector(name));
                return !audio.paused && Math.abs(video.currentTime - audio.currentTime) < 0.1;
            }""",
        )
        page.click("#loop")
        if page.get_attribute("#play", "aria-label") == "Play":
            page.click("#play")
        page.hover('.card[data-point="1"]')
        await_true(page, "document.querySelectorAll('audio')[1]?.paused === false")
        assert page.evaluate("document.querySelector('audio').paused")
        page.hover("h1")
        await_true(page, "[...document.querySelectorAll('audio')].every((audio) => audio.paused)")
        page.hover('.card[data-point="1"]')
        page.click("#sound")
        page.hover('.card[data-point="1"]')
        assert page.evaluate("[...document.querySelectorAll('audio')].every((audio) => audio.paused)")


def test_a_recording_that_all_share_need_not_be_pointed_at(browser: Browser, sample: Sample, tmp_path: Path):
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        page.click("#sound")
        page.click("#play")
        await_true(page, "document.querySelector('audio')?.currentTime > 0.2")
        page.click("#play")
        assert page.evaluate("document.querySelector('audio').paused")


def test_a_page_without_a_video_has_no_player(browser: Browser, tmp_path: Path):
    points = sample_points({STEPS: [10, 20]})
    sample = make_sample(tmp_path, {STEPS: [10, 20]}, points, grey_tile, 1, 0)
    data = json.loads(json.dumps({**sample.data, "mosaics": []}))
    for point in data["points"]:
        point.update(tile=None, video=None, status="LOST")
    with open_page(browser, 1280) as page:
        page.goto(Sample(data, {}).write(tmp_path).as_uri())
        page.wait_for_selector(".card")
        assert page.is_hidden("#transport")
        assert page.is_visible("#difference-none")
        assert "its video is gone" in page.inner_text('.card[data-point="1"]')


def test_a_video_that_cannot_be_played_is_said(browser: Browser, sample: Sample, tmp_path: Path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with open_page(browser, 1280) as page:
        page.goto(Sample(sample.data, {**sample.media, "mosaic-0": broken}).write(tmp_path).as_uri())
        page.wait_for_selector("#banner:not([hidden])")
        assert "cannot play the videos" in page.inner_text("#banner")
        assert page.locator("#points tbody tr").count() == len(sample.data["points"])


def test_tiles_are_drawn_in_no_more_pixels_than_they_have(browser: Browser, sample: Sample, tmp_path: Path):
    with open_page(browser, 1280) as page:
        show_page(page, sample, tmp_path)
        canvas = "document.querySelector('.card canvas')"
        assert page.evaluate(f"{canvas}.width") == sample.point(1)["tile"]["width"]
        assert read_shade(page, ".card canvas", 0.5) == pytest.approx(shade_of(sample.point(1), 0), abs=3)
