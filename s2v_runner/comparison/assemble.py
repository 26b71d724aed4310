"""The comparison page: one HTML file that holds its style, its script, its data, its videos and its sounds."""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s2v_runner.errors import InputError

_PAGE = Path(__file__).parent / "page"
_STYLES = ("page.css", "views.css")
# One after the other they make one script: those that others build on come first.
_SCRIPTS = (
    "dom.js",
    "data.js",
    "words.js",
    "state.js",
    "marks.js",
    "places.js",
    "media.js",
    "painter.js",
    "clock.js",
    "sound.js",
    "transport.js",
    "keyboard.js",
    "header.js",
    "theme.js",
    "answer.js",
    "findings.js",
    "tip.js",
    "cards.js",
    "grid.js",
    "details.js",
    "difference.js",
    "filter.js",
    "table.js",
    "axis.js",
    "chart.js",
    "plots.js",
    "pareto.js",
    "notes.js",
    "main.js",
)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_BLOCK = 3 << 18
"""Bytes read at once; a multiple of three, so that the base64 of each goes on where the last ended."""


def assemble_page(data: Mapping[str, Any], media: Mapping[str, Path]) -> Iterator[str]:
    """Yield the page piece by piece, so that its videos need not be held in memory.

    `data` is what the page shows; `media` has the file for the `id` of each of its mosaics and sounds. Raises
    InputError when one of the files cannot be read, ValueError for a number in the data that is not finite.
    """
    assert set(media) == {item["id"] for kind in ("mosaics", "sounds") for item in data[kind]}, sorted(media)
    parts = _PLACEHOLDER.split(_read("page.html"))
    for text, name in zip(parts[::2], [*parts[1::2], None], strict=True):
        yield text
        match name:
            case "title":
                yield html.escape(data["title"])
            case "styles":
                yield from map(_read, _STYLES)
            case "data":
                yield _data_text(data)
            case "media":
                for identifier, path in media.items():
                    yield from _media_element(identifier, path)
            case "scripts":
                yield from map(_read, _SCRIPTS)
            case _:
                assert name is None, name


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _data_text(data: Mapping[str, Any]) -> str:
    """The data as JSON in which no text can end the element or begin a comment."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _media_element(identifier: str, path: Path) -> Iterator[str]:
    yield f'<script type="text/plain" id="{html.escape(identifier)}">'
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield base64.b64encode(block).decode()
    except OSError as error:
        raise InputError(
            f"'{path}'", f"it cannot be read ({error.strerror})", "Remove it, and make the page again"
        ) from error
    yield "</script>\n"
