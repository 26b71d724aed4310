from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2v_runner.errors import OutputError
from s2v_runner.video.stills import PngFolder, write_png, write_thumbnail

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_a_png_holds_the_very_pixels_whatever_it_is_called(tmp_path: Path):
    write_png(tmp_path / "last-frame", PIXELS)
    np.testing.assert_array_equal(read(tmp_path / "last-frame"), PIXELS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["last-frame"]


def test_a_png_that_cannot_be_written_leaves_what_was_there(tmp_path: Path):
    taken = tmp_path / "taken.png"
    taken.mkdir()
    with pytest.raises(OutputError, match=r"taken\.png"):
        write_png(taken, PIXELS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken.png"]
    with pytest.raises(OutputError, match="missing"):
        write_png(tmp_path / "missing" / "frame.png", PIXELS)


@pytest.mark.parametrize(
    ("pixels", "longest_side", "wanted"),
    [
        (PIXELS, 50, (30, 50)),
        (PIXELS.transpose(1, 0, 2), 50, (50, 30)),
        (PIXELS, 100, (60, 100)),
        (PIXELS, 500, (60, 100)),
    ],
    ids=["wide", "tall", "exact", "small"],
)
def test_a_thumbnail_is_at_most_as_long_as_asked(
    tmp_path: Path, pixels: np.ndarray, longest_side: int, wanted: tuple[int, int]
):
    write_thumbnail(tmp_path / "thumbnail.png", pixels, longest_side)
    assert read(tmp_path / "thumbnail.png").shape == (*wanted, 3)


def test_a_thumbnail_is_smoothed(tmp_path: Path):
    board = np.zeros((64, 64, 3), np.uint8)
    board[::2, 1::2] = board[1::2, ::2] = 255
    write_thumbnail(tmp_path / "thumbnail.png", board, 16)
    middle = read(tmp_path / "thumbnail.png")[2:-2, 2:-2].astype(int)
    assert np.abs(middle - 127.5).max() < 3


def test_frames_are_numbered_from_nought(tmp_path: Path):
    frames = np.stack([PIXELS // divisor for divisor in (1, 2, 3)])
    with PngFolder(tmp_path / "run" / "frames") as folder:
        folder.write(frames[:2])
        folder.write(frames[2:])
    names = sorted(path.name for path in (tmp_path / "run" / "frames").iterdir())
    assert names == ["frame_00000.png", "frame_00001.png", "frame_00002.png"]
    for name, frame in zip(names, frames, strict=True):
        np.testing.assert_array_equal(read(tmp_path / "run" / "frames" / name), frame)
    folder.discard()
    assert len(list((tmp_path / "run" / "frames").iterdir())) == 3
    with pytest.raises(ValueError, match="is closed"):
        folder.write(frames)


def test_given_up_frames_go_and_what_others_put_there_stays(tmp_path: Path):
    folder = PngFolder(tmp_path / "alone")
    folder.write(PIXELS[None])
    folder.discard()
    assert not (tmp_path / "alone").exists()
    (tmp_path / "notes.txt").write_text("mine")
    folder = PngFolder(tmp_path)
    folder.write(PIXELS[None])
    with pytest.raises(ZeroDivisionError), folder:
        raise ZeroDivisionError
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_a_frame_that_cannot_be_written_gives_up_all(tmp_path: Path):
    (tmp_path / "frame_00001.png").mkdir()
    folder = PngFolder(tmp_path)
    with pytest.raises(OutputError, match="frame_00001"):
        folder.write(np.stack((PIXELS, PIXELS)))
    folder.close()
    folder.discard()
    assert [entry.name for entry in tmp_path.iterdir()] == ["frame_00001.png"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "frames").write_text("a file")
    with pytest.raises(OutputError, match="frames"):
        PngFolder(tmp_path / "frames")
