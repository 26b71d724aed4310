from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.comparison.mosaics import Mosaics, Shown, make_mosaics, names_of
from s2v_runner.comparison.reading import read_sweep
from s2v_runner.comparison.viewing import view_points
from s2v_runner.errors import InputError
from s2v_runner.video.reading import open_video
from tests.comparison.looks import TINY
from tests.comparison.sweeps import make_sweep

PLENTY = 10**9


def ignore(_: str) -> None:
    pass


def view(sweep: Path, folder: Path) -> list[Shown]:
    viewed = view_points(read_sweep(sweep).points, None, folder, ignore)
    pairs = [(each.point.footage, each.proxy) for each in viewed]
    return [Shown(number, footage, proxy) for number, (footage, proxy) in enumerate(pairs, 1) if footage and proxy]


def first_frames(path: Path) -> list[np.ndarray]:
    with open_video(path) as reader:
        return [frame.luma for frame in reader]


def test_every_video_is_at_its_place(made_sweep: Path, tmp_path: Path):
    shown = view(made_sweep, tmp_path)
    made = make_mosaics(shown, tmp_path, PLENTY, ignore)
    (mosaic,) = made.mosaics
    assert (mosaic.fps, mosaic.frames) == (16, 12)
    pictures = first_frames(mosaic.path)
    assert len(pictures) == 12
    assert pictures[0].shape == (mosaic.height, mosaic.width)
    for video in shown:
        tile = made.tiles[video.number]
        assert (tile.width, tile.height) == (64, 48)
        for picture, original in zip(pictures, first_frames(video.footage.video), strict=True):
            there = picture[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width]
            assert np.abs(there - original).mean() < 8


def test_all_last_as_long_as_the_longest_at_the_rate_of_the_fastest(tmp_path: Path):
    looks = [replace(TINY, frames=10, fps=8), replace(TINY, frames=9, fps=24, width=96)]
    videos = []
    for number, look in enumerate(looks, 1):
        folder = tmp_path / f"kept{number}"
        folder.mkdir()
        (video,) = view(make_sweep(tmp_path / str(number), {"sampler.steps": [1]}, look), folder)
        videos.append(replace(video, number=number))
    made = make_mosaics(videos, tmp_path, PLENTY, ignore)
    assert [(mosaic.fps, mosaic.frames) for mosaic in made.mosaics] == [(24, 30)]
    assert [(tile.width, tile.height) for tile in made.tiles.values()] == [(64, 48), (96, 48)]
    pictures = first_frames(made.mosaics[0].path)
    tile = made.tiles[2]
    shown = [picture[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] for picture in pictures]
    assert np.abs(shown[8] - shown[29]).mean() < 3
    assert np.abs(shown[0] - shown[8]).mean() > 3


def test_what_was_made_is_taken_again_and_made_anew_for_other_videos(made_sweep: Path, tmp_path: Path):
    shown, said = view(made_sweep, tmp_path), []
    first = make_mosaics(shown, tmp_path, PLENTY, said.append)
    written = first.mosaics[0].path.stat().st_mtime_ns
    assert make_mosaics(shown, tmp_path, PLENTY, said.append) == first
    assert first.mosaics[0].path.stat().st_mtime_ns == written
    assert len(said) == 1
    other = make_mosaics(shown[:3], tmp_path, PLENTY, said.append)
    assert other.mosaics[0].path != first.mosaics[0].path
    assert len(said) == 2
    other.mosaics[0].path.unlink()
    assert make_mosaics(shown[:3], tmp_path, PLENTY, said.append) == other
    assert other.mosaics[0].path.is_file()
    (tmp_path / "mosaics.json").write_text("{")
    assert make_mosaics(shown[:3], tmp_path, PLENTY, said.append) == other
    assert len(said) == 4
    assert set(names_of(other)) == {"mosaics.json", other.mosaics[0].path.name}


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> list[Shown]:
    """Four videos that nothing makes small."""
    folder = tmp_path_factory.mktemp("noisy")
    look = replace(TINY, noise=True, frames=24, width=96, height=64)
    sweep = make_sweep(folder, {"base_seed": [1, 2, 3, 4]}, look)
    return view(sweep, folder)


def size_of(made: Mosaics) -> int:
    return sum(mosaic.path.stat().st_size for mosaic in made.mosaics)


@pytest.mark.parametrize("most", [200_000, 60_000, 12_000])
def test_they_never_take_more_than_they_may(noisy: list[Shown], tmp_path: Path, most: int):
    made = make_mosaics(noisy, tmp_path, most, ignore)
    assert most / 5 < size_of(made) <= most
    with av.open(made.mosaics[0].path) as container:
        assert sum(1 for _ in container.decode(video=0)) == 24
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_tiles_become_smaller_when_nothing_else_helps(noisy: list[Shown], tmp_path: Path):
    whole = make_mosaics(noisy, tmp_path, PLENTY, ignore)
    small = make_mosaics(noisy, tmp_path, 6_000, ignore)
    assert whole.tiles[1].width == 96
    assert 32 <= small.tiles[1].width < 96
    assert size_of(small) <= 6_000


def test_what_cannot_be_seen_in_so_few_bytes_is_said(noisy: list[Shown], tmp_path: Path):
    with pytest.raises(InputError, match="4 videos of 2 s: they cannot be seen"):
        make_mosaics(noisy, tmp_path, 1000, ignore)
    assert list(tmp_path.iterdir()) == []


def test_several_mosaics_share_the_room(noisy: list[Shown], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("s2v_runner.comparison.tiles._MOST_TILES", 2)
    mosaics = make_mosaics(noisy, tmp_path, 100_000, ignore)
    assert len(mosaics.mosaics) == 2
    assert [tile.mosaic for tile in mosaics.tiles.values()] == [0, 0, 1, 1]
    assert size_of(mosaics) <= 100_000


def test_no_videos_are_no_mosaics(tmp_path: Path):
    assert make_mosaics([], tmp_path, PLENTY, ignore) == Mosaics((), {})
    assert list(tmp_path.iterdir()) == []
