"""The browser that the page is tested in: one that is installed. `python -m tests.browser` prints where it is."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Frame, Page, sync_playwright

VARIABLE = "S2V_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
# As root, without a screen, without a network; and playing without a click, which is not what is tested.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
_HEIGHT = 900
_PATIENCE = 120
"""Seconds: a busy machine plays with pauses."""


def find_browser() -> Path | None:
    """The one that $S2V_BROWSER names, or else the first that is found; None when there is none."""
    named = os.environ.get(VARIABLE)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return Path(found)
    return _MAC if not named and _MAC.is_file() else None


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser without a window, until the block is left."""
    path = find_browser()
    assert path is not None, _advice()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_page(browser: Browser, width: int) -> Iterator[Page]:
    """An empty page of that width. What it says on the console while the block lasts fails the test."""
    said: list[str] = []
    with browser.new_context(viewport={"width": width, "height": _HEIGHT}) as context:
        page = context.new_page()
        page.set_default_timeout(_PATIENCE * 1000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
    assert said == []


def await_true(page: Page | Frame, expression: str, argument: object = None) -> None:
    """Wait until this JavaScript is true in a page. Asked from outside: the page allows no code but its own."""
    deadline = time.monotonic() + _PATIENCE
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, f"never true: {expression} of {argument}"
        page.wait_for_timeout(20)


def _advice() -> str:
    named = os.environ.get(VARIABLE)
    if named:
        return f"${VARIABLE} is '{named}', which cannot be started. Give the path of Chromium or Chrome"
    return f"No Chromium or Chrome was found. Install one (apt-get install chromium) or give its path as ${VARIABLE}"


def main() -> int:
    path = find_browser()
    if path is None:
        print(_advice(), file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
