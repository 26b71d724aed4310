import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.comparison import cache, viewing
from s2v_runner.comparison.baseline import Baseline, choose_baseline
from s2v_runner.comparison.meters import SAME
from s2v_runner.comparison.reading import ComparedSweep, read_sweep
from s2v_runner.comparison.viewing import ViewedPoint, view_points
from s2v_runner.metrics.likeness import squared_error
from s2v_runner.metrics.measures import unknown
from s2v_runner.video.reading import open_video
from tests.comparison.looks import TINY, make_frames
from tests.comparison.sweeps import folder_of, make_point, make_sweep, set_status

Views = Callable[..., dict[int, ViewedPoint]]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of the points whose videos were gone through, in turn."""
    names: list[str] = []

    def view(footage, other, proxy):
        names.append(f"{int(footage.video.parent.name[:4])}{'' if other is None else ' and its baseline'}")
        return original(footage, other, proxy)

    original = viewing._view
    monkeypatch.setattr(viewing, "_view", view)
    return names


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


@pytest.fixture
def view(kept: Path) -> Views:
    def look(sweep: Path, words: str | None) -> dict[int, ViewedPoint]:
        read = read_sweep(sweep)
        viewed = view_points(read.points, baseline_of(read, words), kept, lambda _: None)
        assert [each.point.number for each in viewed] == [point.number for point in read.points]
        return {each.point.number: each for each in viewed}

    return look


def baseline_of(sweep: ComparedSweep, words: str | None) -> Baseline | None:
    return choose_baseline(sweep.definition, words)


def test_each_point_is_held_against_its_baseline(made_sweep: Path, view: Views):
    viewed = view(made_sweep, None)
    assert [each.baseline for each in viewed.values()] == [5, 6, 5, 6, 5, 6]
    assert viewed[5].measures["psnr"].reason == "identical to the baseline"
    assert viewed[5].measures["ssim"].value == 1
    # More steps have less grain.
    for key, more in (("psnr", 1), ("ssim", 1)):
        one, other = viewed[1].measures[key].value, viewed[3].measures[key].value
        assert one is not None
        assert other is not None
        assert (other - one) * more > 0
    with (
        open_video(folder_of(made_sweep, 1) / "video.mp4") as one,
        open_video(folder_of(made_sweep, 5) / "video.mp4") as other,
    ):
        error = sum(squared_error(a.rgb, b.rgb) for a, b in zip(one, other, strict=True)) / (12 * 48 * 64 * 3)
    assert 10 ** (-(viewed[1].measures["psnr"].value or 0) / 10) * 255**2 == pytest.approx(error)


def test_videos_are_gone_through_once(sweep: Path, view: Views, seen: list[str]):
    first = view(sweep, None)
    assert sorted(seen) == [*(f"{number} and its baseline" for number in (1, 2, 3, 4)), "5", "6"]
    assert seen[:2] == ["5", "6"]
    seen.clear()
    assert view(sweep, None) == first
    assert seen == []
    # Another baseline needs another look at all but itself, and the first one's results stay.
    other = view(sweep, "steps=10")
    assert sorted(seen) == [f"{number} and its baseline" for number in (3, 4, 5, 6)]
    assert other[5].measures["psnr"] == first[1].measures["psnr"]
    seen.clear()
    assert view(sweep, None) == first
    assert seen == []


def test_what_was_made_anew_is_looked_at_anew(sweep: Path, view: Views, seen: list[str]):
    view(sweep, None)
    seen.clear()
    point = read_sweep(sweep).points[4].definition
    shutil.rmtree(folder_of(sweep, 5))
    make_point(sweep, point, replace(TINY, crf=30, frames=11))
    view(sweep, None)
    assert sorted(seen) == ["1 and its baseline", "3 and its baseline", "5"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 0}', "proxy", "format"])
def test_what_is_kept_is_made_again_where_it_cannot_be_used(
    sweep: Path, kept: Path, view: Views, seen: list[str], monkeypatch: pytest.MonkeyPatch, damage: str
):
    first = view(sweep, None)
    seen.clear()
    entry = kept / f"{folder_of(sweep, 3).name}.json"
    if damage == "proxy":
        entry.with_suffix(".mp4").unlink()
    elif damage == "format":
        monkeypatch.setattr(cache, "FORMAT", cache.FORMAT + 1)
    else:
        entry.write_text(damage)
    assert view(sweep, None) == first
    assert seen == ["3 and its baseline"] if damage != "format" else len(seen) == 6
    assert json.loads(entry.read_text())["format"] == cache.FORMAT


def test_proxies_are_small_copies(tmp_path: Path, view: Views):
    sweep = make_sweep(tmp_path, {"sampler.steps": [1]}, replace(TINY, width=640, height=320, frames=3))
    proxy = view(sweep, None)[1].proxy
    assert proxy is not None
    with open_video(proxy) as reader:
        assert (reader.facts.width, reader.facts.height, reader.facts.fps) == (448, 224, 16)
        assert sum(1 for _ in reader) == 3


def test_frames_without_loss_are_compared_exactly(tmp_path: Path, view: Views):
    # As many bits are lost in the video as an encoder can lose.
    sweep = make_sweep(tmp_path, {"sampler.steps": [1, 2, 3]}, replace(TINY, lossless=True, crf=51))
    definition = read_sweep(sweep).definition
    one, other = (np.stack(list(make_frames(definition, point, TINY))) for point in definition.points[1:])
    viewed = view(sweep, None)[2]
    error = np.mean((one.astype(float) - other) ** 2)
    assert viewed.measures["psnr"].value == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
    assert viewed.proxy is not None
    with open_video(viewed.proxy) as reader:
        # A proxy has less colour, and neither another nor none.
        copied = np.stack([frame.rgb for frame in reader])
    assert np.abs(copied.mean(axis=(1, 2)) - one.mean(axis=(1, 2))).max() < 3


def test_points_without_a_video_have_no_measures_and_their_followers_say_why(sweep: Path, view: Views):
    set_status(sweep, 5, "FAILED", "it failed")
    viewed = view(sweep, None)
    assert viewed[5] == ViewedPoint(viewed[5].point, None, {}, 5)
    assert viewed[1].measures["psnr"] == unknown("its baseline, point 5, has no video")
    assert viewed[1].measures["ssim"] == unknown("its baseline, point 5, has no video")
    assert viewed[2].measures["psnr"].value is not None


def test_a_video_with_fewer_frames_than_were_made_is_lost(sweep: Path, kept: Path, view: Views):
    other = make_sweep(sweep.parents[2] / "other", {"sampler.steps": [1]}, replace(TINY, frames=9))
    shutil.copyfile(folder_of(other, 1) / "video.mp4", folder_of(sweep, 6) / "video.mp4")
    viewed = view(sweep, None)
    assert (viewed[6].point.status, viewed[6].point.footage, viewed[6].proxy) == ("LOST", None, None)
    assert viewed[6].point.error == "'video.mp4' has 9 frames, and 12 were made"
    assert viewed[2].measures["psnr"].reason == "its baseline, point 6, has no video"
    assert not [path for path in kept.iterdir() if path.name.startswith((".", "0006"))]


def test_a_video_that_breaks_off_is_lost(sweep: Path, view: Views):
    video = folder_of(sweep, 1) / "video.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert view(sweep, None)[1].point.status == "LOST"


def test_a_baseline_that_was_damaged_since_is_not_the_fault_of_the_others(sweep: Path, view: Views):
    view(sweep, "steps=10")
    video = folder_of(sweep, 5) / "video.mp4"
    size = video.stat().st_size
    video.write_bytes(video.read_bytes()[: size // 3].ljust(size, b"\0"))
    viewed = view(sweep, None)
    assert {viewed[number].point.status for number in (1, 3)} == {"FINISHED"}
    assert viewed[1].measures["psnr"].reason == "its baseline, point 5, cannot be read any more"


def test_other_sizes_and_equal_frames_are_not_compared(tmp_path: Path, view: Views, seen: list[str]):
    sweep = make_sweep(tmp_path, {"sampler.steps": [1, 2, 3]}, TINY)
    points = read_sweep(sweep).points
    for number, look in ((1, replace(TINY, width=96)), (2, TINY)):
        shutil.rmtree(points[number - 1].folder)
        make_point(sweep, points[number - 1].definition, look)
    shutil.copyfile(folder_of(sweep, 3) / "video.mp4", folder_of(sweep, 2) / "video.mp4")
    record = json.loads((folder_of(sweep, 2) / "record.json").read_text())
    record["frames"] = json.loads((folder_of(sweep, 3) / "record.json").read_text())["frames"]
    (folder_of(sweep, 2) / "record.json").write_text(json.dumps(record))
    viewed = view(sweep, None)
    assert viewed[1].measures["psnr"] == unknown("its baseline, point 3, is 64x48")
    assert {key: viewed[2].measures[key] for key in SAME} == SAME
    assert sorted(seen) == ["1", "2", "3"]


def test_a_point_without_a_counterpart_says_so(made_sweep: Path, kept: Path):
    points = read_sweep(made_sweep).points[:1]
    (viewed,) = view_points(points, Baseline({}, "steps=40", {}), kept, print)
    assert viewed.measures["psnr"] == unknown("no point has steps=40 and else its values")
    (viewed,) = view_points(points, None, kept, print)
    assert viewed.measures["ssim"] == unknown("there is no baseline")


def test_it_says_now_and_then_how_far_it_is(made_sweep: Path, kept: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(viewing, "_SECONDS_BETWEEN_LINES", -1.0)
    view_points(read_sweep(made_sweep).points, None, kept, said.append)
    assert said[3] == "3 of 6 videos are looked at"
