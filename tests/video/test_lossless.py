from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.errors import OutputError
from s2v_runner.video.lossless import LosslessWriter

# Sides that no subsampling divides.
FRAMES = np.random.default_rng(0).integers(0, 256, (11, 35, 53, 3), np.uint8)


def write(path: Path) -> None:
    with LosslessWriter(path=path, height=35, width=53, fps=16) as writer:
        writer.write(FRAMES[:4])
        writer.write(FRAMES[4:])


def test_every_bit_comes_back(tmp_path: Path):
    write(tmp_path / "unfinished")
    with av.open(tmp_path / "unfinished") as container:
        stream = container.streams.video[0]
        assert (container.format.name, stream.codec_context.name) == ("matroska,webm", "ffv1")
        assert stream.average_rate == 16
        assert container.duration == pytest.approx(11 / 16 * 1e6, abs=1000)
        pictures = list(container.decode(stream))
    np.testing.assert_array_equal(np.stack([picture.to_ndarray(format="rgb24") for picture in pictures]), FRAMES)
    assert [picture.time for picture in pictures] == pytest.approx([index / 16 for index in range(11)], abs=0.001)


def test_the_same_twice_is_the_same_file(tmp_path: Path):
    write(tmp_path / "one")
    write(tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_nothing_is_left_of_a_video_that_is_given_up(tmp_path: Path):
    path = tmp_path / "unfinished"
    with (
        pytest.raises(ValueError, match="expected uint8"),
        LosslessWriter(path=path, height=35, width=53, fps=16) as writer,
    ):
        writer.write(FRAMES[:, :, 1:])
    assert not path.exists()
    writer.close()
    writer.discard()
    with pytest.raises(ValueError, match="is closed"):
        writer.write(FRAMES)


def test_a_folder_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(OutputError, match="missing"):
        write(tmp_path / "missing" / "video.mkv")
