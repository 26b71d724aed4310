"""The page as a text: whole, by itself, and harmless whatever the data say."""

import base64
import json
import math
import re
from pathlib import Path

import pytest

from s2v_runner.comparison import assemble
from s2v_runner.comparison.assemble import assemble_page
from s2v_runner.errors import InputError

EMPTY = {"title": "Nothing", "points": [], "mosaics": [], "sounds": []}
PAGE = Path(assemble.__file__).parent / "page"


def element(page: str, identifier: str) -> str:
    """What is between the tags of a script with this id, as a browser finds it."""
    match = re.search(rf'<script type="[^"]+" id="{identifier}">(.*?)</script', page, re.DOTALL)
    assert match is not None
    return match[1]


def test_texts_cannot_leave_the_data():
    title = "</script><script>alert(1)</script><!-- & \" ' \u2028 \udc80"
    page = "".join(assemble_page({**EMPTY, "title": title}, {}))
    assert json.loads(element(page, "data"))["title"] == title
    assert page.count("<script>") == 1
    assert "<title>&lt;/script&gt;" in page
    assert "{{" not in page.partition("<script")[0]


def test_media_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(assemble, "_BLOCK", 6)
    files = {"mosaic-0": b"0123456789", "sound-0": b"", "sound-1": bytes(range(12))}
    media = {}
    for name, content in files.items():
        media[name] = tmp_path / name
        media[name].write_bytes(content)
    data = {**EMPTY, "mosaics": [{"id": "mosaic-0"}], "sounds": [{"id": "sound-0"}, {"id": "sound-1"}]}
    page = "".join(assemble_page(data, media))
    for name, content in files.items():
        assert base64.b64decode(element(page, name), validate=True) == content


def test_a_page_is_made_piece_by_piece(tmp_path: Path):
    path = tmp_path / "mosaic.mp4"
    path.write_bytes(bytes(4 * assemble._BLOCK))
    pieces = list(assemble_page({**EMPTY, "mosaics": [{"id": "m"}]}, {"m": path}))
    assert max(map(len, pieces)) <= assemble._BLOCK * 4 / 3


def test_every_file_of_the_page_is_in_it():
    assert sorted(path.name for path in PAGE.iterdir()) == sorted(("page.html", *assemble._STYLES, *assemble._SCRIPTS))
    page = "".join(assemble_page(EMPTY, {}))
    for path in PAGE.iterdir():
        if path.name != "page.html":
            assert path.read_text(encoding="utf-8") in page


def test_files_stay_short_and_end_no_script():
    for path in PAGE.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300
        assert "</script" not in text
        assert "innerHTML" not in text


def test_a_video_that_is_gone_is_said(tmp_path: Path):
    data = {**EMPTY, "mosaics": [{"id": "m"}]}
    with pytest.raises(InputError, match=r"gone\.mp4': it cannot be read"):
        list(assemble_page(data, {"m": tmp_path / "gone.mp4"}))


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        list(assemble_page({**EMPTY, "points": [math.nan]}, {}))
