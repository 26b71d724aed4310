import base64
import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.comparison import compare as module
from s2v_runner.comparison.compare import Comparison, compare_sweep
from s2v_runner.errors import InputError, OutputError
from s2v_runner.interruption import Interrupted
from tests.comparison.looks import TINY
from tests.comparison.sweeps import folder_of, make_sweep, set_status


def compare(sweep: Path, words: str | None) -> Comparison:
    return compare_sweep(sweep, words, lambda _: None)


def element(page: Path, identifier: str) -> str:
    found = re.search(rf'<script[^>]* id="{identifier}"[^>]*>(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None, identifier
    return found[1]


def data_in(page: Path) -> dict[str, Any]:
    return json.loads(element(page, "data"))


def strays(sweep: Path) -> list[str]:
    return [path.name for path in sweep.rglob(".*") if path.name != ".lock"]


def test_the_page_holds_all_that_is_to_be_seen(sweep: Path):
    made = compare(sweep, None)
    assert made == Comparison(
        page=sweep / "comparison.html",
        table=sweep / "comparison.csv",
        findings=sweep / "findings.json",
        points=6,
        videos=6,
    )
    data = data_in(made.page)
    (mosaic,) = data["mosaics"]
    assert mosaic == {"id": "mosaic-0", "width": 192, "height": 96, "fps": 16.0, "frames": 12}
    content = base64.b64decode(element(made.page, "mosaic-0"))
    assert content == next((sweep / "comparison").glob("mosaic_*.mp4")).read_bytes()
    (sound,) = data["sounds"]
    assert (sound["id"], sound["name"]) == ("sound-0", "speech.wav")
    assert base64.b64decode(element(made.page, "sound-0"))[4:8] == b"ftyp"
    assert [point["tile"]["x"] for point in data["points"]] == [0, 64, 128, 0, 64, 128]
    assert {point["sound"] for point in data["points"]} == {0}
    with made.table.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    assert strays(sweep) == []


def test_comparing_again_makes_only_the_page_anew(sweep: Path):
    compare(sweep, None)
    kept = {path: path.stat().st_mtime_ns for path in (sweep / "comparison").iterdir()}
    assert len(kept) == 6 * 2 + 4
    assert compare(sweep, None).videos == 6
    assert {path: path.stat().st_mtime_ns for path in (sweep / "comparison").iterdir()} == kept


def test_finished_and_missing_points_share_a_page(sweep: Path):
    compare(sweep, None)
    set_status(sweep, 1, "FAILED", "GenerationError: not finite")
    shutil.rmtree(folder_of(sweep, 2))
    (folder_of(sweep, 3) / "video.mp4").unlink()
    made = compare(sweep, None)
    assert (made.points, made.videos) == (6, 3)
    points = data_in(made.page)["points"]
    assert [point["status"] for point in points] == ["FAILED", "MISSING", "LOST", *["FINISHED"] * 3]
    assert [point["tile"] is None for point in points] == [True] * 3 + [False] * 3


def test_a_sweep_without_any_video_has_a_page_too(sweep: Path):
    for number in range(1, 7):
        shutil.rmtree(folder_of(sweep, number))
    made = compare(sweep, None)
    assert (made.points, made.videos) == (6, 0)
    data = data_in(made.page)
    assert data["mosaics"] == data["sounds"] == data["summary"] == []
    assert data["baseline"] == "steps=40"


def test_a_single_point_has_a_page_too(tmp_path: Path):
    made = compare(make_sweep(tmp_path, {"sampler.steps": [4]}, TINY), None)
    (point,) = data_in(made.page)["points"]
    # There is nothing that it could be like but itself.
    assert not {"psnr", "ssim", "latent_distance"} & point["metrics"].keys()


def test_another_baseline_may_be_named(sweep: Path):
    data = data_in(compare(sweep, "steps=10 guide_scale=3").page)
    assert data["baseline"] == "steps=10 guide_scale=3"
    assert {point["baseline"] for point in data["points"]} == {1}


def test_what_belongs_to_nothing_any_more_is_removed(sweep: Path):
    compare(sweep, None)
    kept = sweep / "comparison"
    before = set(kept.iterdir())
    for name in ("0009_abcdefabcdef.json", "0009_abcdefabcdef.mp4", "mosaic_old_0.mp4", ".x.mp4.unfinished"):
        (kept / name).write_text("old")
    (folder_of(sweep, 3) / "video.mp4").unlink()
    compare(sweep, None)
    mosaics = {path for path in before if path.name.startswith("mosaic_")}
    after = set(kept.iterdir())
    # What is known of a video that is gone stays: it may come back.
    assert before - mosaics <= after
    assert len(after) == len(before)
    assert not after & mosaics


def test_a_baseline_that_there_is_not_leaves_everything_as_it_was(sweep: Path):
    before = sorted(sweep.rglob("*"))
    with pytest.raises(InputError, match="There is 10, 20, 40"):
        compare(sweep, "sampler.steps=50")
    assert sorted(sweep.rglob("*")) == before


def test_a_page_never_takes_more_than_it_may(sweep: Path, monkeypatch: pytest.MonkeyPatch):
    plenty = compare(sweep, None).page.stat().st_size
    monkeypatch.setattr(module, "_MOST_BYTES", 15_000)
    monkeypatch.setattr(module, "_GRAIN", 1000)
    page = compare(sweep, None).page
    assert page.stat().st_size < plenty
    assert sum(len(element(page, name)) for name in ("mosaic-0", "sound-0")) <= 20_000


def test_an_interruption_leaves_the_page_that_was_there(sweep: Path, monkeypatch: pytest.MonkeyPatch):
    compare(sweep, None)
    before = (sweep / "comparison.html").read_bytes()

    def interrupted(*_: object):
        yield "half"
        raise Interrupted(2)

    monkeypatch.setattr(module, "assemble_page", interrupted)
    with pytest.raises(Interrupted):
        compare(sweep, "steps=10")
    assert (sweep / "comparison.html").read_bytes() == before
    assert strays(sweep) == []


def test_a_folder_that_cannot_be_written_to_is_named(sweep: Path):
    (sweep / "comparison").write_text("in the way")
    with pytest.raises(OutputError, match="comparison"):
        compare(sweep, None)
    (sweep / "comparison").unlink()
    (sweep / "comparison.html").mkdir()
    with pytest.raises(OutputError, match=r"comparison\.html"):
        compare(sweep, None)


def test_what_is_going_on_is_said(sweep: Path):
    said: list[str] = []
    compare_sweep(sweep, None, said.append)
    assert said == ["putting 6 videos side by side"]
