from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType, VideoFrame

from s2v_runner.errors import OutputError
from s2v_runner.video.preview import Encoding, PictureScaler, PreviewWriter
from s2v_runner.video.reading import open_video
from tests.video.material import moving_frames

FINE = Encoding(crf=8, preset="veryfast", threads=1)


def picture_of(pixels: np.ndarray) -> VideoFrame:
    return VideoFrame.from_ndarray(pixels, format="rgb24")


def write(path: Path, frames: np.ndarray, width: int, height: int) -> int:
    writer = PreviewWriter(path=path, width=width, height=height, fps=Fraction(16), encoding=FINE)
    for pixels in frames:
        writer.write(picture_of(pixels))
    writer.close()
    return writer.bytes


def test_a_player_finds_any_picture_quickly(tmp_path: Path):
    made = write(tmp_path / "preview", moving_frames(40), 64, 48)
    content = (tmp_path / "preview").read_bytes()
    assert 0 < made < len(content)
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(tmp_path / "preview") as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264"
        pictures = list(container.decode(video=0))
    assert [picture.time for picture in pictures] == [index / 16 for index in range(40)]
    kinds = [picture.pict_type for picture in pictures]
    assert set(kinds) == {PictureType.I, PictureType.P}
    whole = [index for index, picture in enumerate(pictures) if picture.key_frame]
    assert max(np.diff([*whole, 40])) <= 12
    first = pictures[0]
    assert (first.format.name, first.colorspace, first.color_range) == ("yuv420p", 1, 1)


def test_pictures_are_scaled_and_keep_their_colours(tmp_path: Path):
    frames = np.broadcast_to(np.array((200, 60, 30), np.uint8), (3, 96, 128, 3))
    write(tmp_path / "preview", frames, 64, 48)
    with open_video(tmp_path / "preview") as reader:
        assert (reader.facts.width, reader.facts.height) == (64, 48)
        for frame in reader:
            np.testing.assert_allclose(frame.rgb.reshape(-1, 3).mean(axis=0), (200, 60, 30), atol=2)


def test_what_was_read_can_be_written_again(tmp_path: Path):
    write(tmp_path / "one", moving_frames(30), 64, 48)
    writer = PreviewWriter(path=tmp_path / "other", width=64, height=48, fps=Fraction(16), encoding=FINE)
    with open_video(tmp_path / "one") as reader:
        for frame in reader:
            writer.write(frame.picture)
    writer.close()
    with open_video(tmp_path / "one") as one, open_video(tmp_path / "other") as other:
        for before, after in zip(one, other, strict=True):
            assert np.abs(before.luma - after.luma).mean() < 2


def test_a_picture_that_is_as_it_should_be_is_left_alone():
    picture = PictureScaler(64, 48)(picture_of(moving_frames(1)[0]))
    assert PictureScaler(64, 48)(picture) is picture


def test_a_preview_that_is_given_up_leaves_nothing(tmp_path: Path):
    writer = PreviewWriter(path=tmp_path / "preview", width=64, height=48, fps=Fraction(16), encoding=FINE)
    writer.write(picture_of(moving_frames(1)[0]))
    writer.discard()
    assert not (tmp_path / "preview").exists()


def test_a_folder_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match="missing"):
        PreviewWriter(path=tmp_path / "missing" / "p", width=64, height=48, fps=Fraction(16), encoding=FINE)
