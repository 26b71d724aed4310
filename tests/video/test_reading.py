from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.reading import SeenFrame, open_video
from s2v_runner.video.writer import VideoWriter
from tests.video.material import FPS, HEIGHT, WIDTH, moving_frames

RED, GREEN, BLUE, GREY = (200, 20, 40), (20, 200, 40), (40, 20, 200), (128, 128, 128)
LUMA = {RED: 59.7, GREEN: 150.2, BLUE: 37.2, GREY: 128.0}


def of_one_colour(colour: tuple[int, int, int], frames: int) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (frames, HEIGHT, WIDTH, 3))


def write_lossless(path: Path, frames: np.ndarray) -> Path:
    with LosslessWriter(path=path, height=frames.shape[1], width=frames.shape[2], fps=FPS) as writer:
        writer.write(frames)
    return path


def test_frames_without_loss_come_back_bit_for_bit(tmp_path: Path):
    # Sides that no subsampling divides.
    frames = np.random.default_rng(0).integers(0, 256, (5, 35, 53, 3), np.uint8)
    with open_video(write_lossless(tmp_path / "frames.mkv", frames)) as reader:
        assert (reader.facts.width, reader.facts.height, reader.facts.fps) == (53, 35, 16)
        seen = list(reader)
    np.testing.assert_array_equal(np.stack([frame.rgb for frame in seen]), frames)
    expected = frames[3] @ np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(seen[3].luma, expected, atol=1e-3)


@pytest.mark.parametrize("colour", LUMA)
def test_colours_and_luma_of_a_video_are_those_that_were_written(
    open_writer: Callable[..., VideoWriter], path: Path, colour: tuple[int, int, int]
):
    with open_writer(num_frames=2, crf=1) as writer:
        writer.write(of_one_colour(colour, 2))
    with open_video(path) as reader:
        assert (reader.facts.width, reader.facts.height, reader.facts.fps) == (WIDTH, HEIGHT, Fraction(FPS))
        frame = list(reader)[1]
    np.testing.assert_allclose(frame.rgb.reshape(-1, 3).mean(axis=0), colour, atol=2)
    assert frame.luma.dtype == np.float32
    assert frame.luma.shape == (HEIGHT, WIDTH)
    np.testing.assert_allclose(frame.luma, LUMA[colour], atol=1.5)


def test_what_is_no_video_is_refused(tmp_path: Path):
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("text.mp4", "missing.mp4"):
        with pytest.raises(InputError, match=name), open_video(tmp_path / name):
            pass


def test_a_file_with_sound_alone_has_no_pictures(tmp_path: Path, open_writer: Callable[..., VideoWriter]):
    open_writer().discard()
    with pytest.raises(InputError, match="no pictures"), open_video(tmp_path / "speech.wav"):
        pass


def test_a_video_that_breaks_off_ends_or_is_refused(tmp_path: Path):
    whole = write_lossless(tmp_path / "frames.mkv", moving_frames(40))
    (tmp_path / "half.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with open_video(tmp_path / "half.mkv") as reader:
        assert 0 < len(list(read_on(iter(reader)))) < 40


def read_on(frames: Iterator[SeenFrame]) -> Iterator[SeenFrame]:
    """Up to the end, or to where it cannot be read."""
    with suppress(InputError):
        yield from frames
