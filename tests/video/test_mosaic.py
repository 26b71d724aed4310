from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from s2v_runner.errors import InputError
from s2v_runner.video.mosaic import MosaicShape, MosaicTile, TooLargeError, write_mosaic
from s2v_runner.video.preview import Encoding, PreviewWriter
from s2v_runner.video.reading import open_video

FINE = Encoding(crf=4, preset="veryfast", threads=1)
SHAPE = MosaicShape(width=128, height=64, fps=Fraction(16), frames=8)
PLENTY = 10**9


def write_greys(path: Path, greys: Sequence[int], fps: int) -> Path:
    """A video of 32×32 with a shade of grey for each frame."""
    writer = PreviewWriter(path=path, width=32, height=32, fps=Fraction(fps), encoding=FINE)
    for grey in greys:
        writer.write(VideoFrame.from_ndarray(np.full((32, 32, 3), grey, np.uint8), format="rgb24"))
    writer.close()
    return path


def tile(video: Path, x: int, y: int, side: int) -> MosaicTile:
    return MosaicTile(video=video, x=x, y=y, width=side, height=side)


def test_each_tile_shows_its_video_at_its_own_rate_and_then_its_last_frame(tmp_path: Path):
    quick = write_greys(tmp_path / "quick", range(40, 200, 20), 16)
    slow = write_greys(tmp_path / "slow", [60, 120, 180, 240], 8)
    short = write_greys(tmp_path / "short", [30, 90], 16)
    tiles = [tile(quick, 0, 0, 32), tile(slow, 96, 32, 32), tile(short, 32, 0, 16)]
    size = write_mosaic(tmp_path / "mosaic", SHAPE, tiles, FINE, PLENTY)
    assert size == (tmp_path / "mosaic").stat().st_size
    with open_video(tmp_path / "mosaic") as reader:
        assert (reader.facts.width, reader.facts.height, reader.facts.fps) == (128, 64, 16)
        seen = np.stack([frame.luma for frame in reader])
    assert len(seen) == 8
    np.testing.assert_allclose(seen[:, 4:28, 4:28].mean(axis=(1, 2)), range(40, 200, 20), atol=3)
    slowly = [60, 60, 120, 120, 180, 180, 240, 240]
    np.testing.assert_allclose(seen[:, 36:60, 100:124].mean(axis=(1, 2)), slowly, atol=3)
    np.testing.assert_allclose(seen[:, 4:12, 36:44].mean(axis=(1, 2)), [30, *[90] * 7], atol=3)
    # Nothing lies here.
    np.testing.assert_allclose(seen[:, 36:60, 4:90], 0, atol=3)


def test_colours_lie_where_the_tile_lies(tmp_path: Path):
    writer = PreviewWriter(path=tmp_path / "red", width=32, height=32, fps=Fraction(16), encoding=FINE)
    red = np.zeros((32, 32, 3), np.uint8) + np.array((220, 30, 30), np.uint8)
    for _ in range(8):
        writer.write(VideoFrame.from_ndarray(red, format="rgb24"))
    writer.close()
    write_mosaic(tmp_path / "mosaic", SHAPE, [tile(tmp_path / "red", 64, 32, 32)], FINE, PLENTY)
    with open_video(tmp_path / "mosaic") as reader:
        last = [frame.rgb for frame in reader][-1]
    np.testing.assert_allclose(last[36:60, 68:92].reshape(-1, 3).mean(axis=0), (220, 30, 30), atol=3)
    assert last[:28].max() < 12
    assert last[:, :60].max() < 12


def test_it_is_given_up_where_it_is_too_large(tmp_path: Path):
    video = write_greys(tmp_path / "video", range(40, 200, 20), 16)
    whole = write_mosaic(tmp_path / "mosaic", SHAPE, [tile(video, 0, 0, 32)], FINE, PLENTY)
    for most in (10, whole - 1):
        with pytest.raises(TooLargeError) as caught:
            write_mosaic(tmp_path / "small", SHAPE, [tile(video, 0, 0, 32)], FINE, most)
        assert caught.value.bytes > most
        assert not (tmp_path / "small").exists()


def test_nothing_is_left_where_a_video_cannot_be_read(tmp_path: Path):
    (tmp_path / "text").write_text("no video")
    with pytest.raises(InputError, match="text"):
        write_mosaic(tmp_path / "mosaic", SHAPE, [tile(tmp_path / "text", 0, 0, 32)], FINE, PLENTY)
    assert not (tmp_path / "mosaic").exists()
