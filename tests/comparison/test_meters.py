from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.comparison.meters import SAME, LikenessMeter
from s2v_runner.errors import InputError
from s2v_runner.metrics.measures import Measure
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.reading import SeenFrame, open_video
from tests.metrics.test_likeness import naive_ssim

LUMA = np.array([0.2126, 0.7152, 0.0722])


@pytest.fixture
def seen(tmp_path: Path):
    """Frames [frames, rows, columns, 3] as they are seen when a file is read."""

    def read(frames: np.ndarray) -> Iterator[SeenFrame]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.mkv"
        with LosslessWriter(path=path, height=frames.shape[1], width=frames.shape[2], fps=16) as writer:
            writer.write(frames)
        with open_video(path) as reader:
            yield from reader

    return read


def measure(meter: LikenessMeter, frames: Iterator[SeenFrame]) -> dict[str, Measure]:
    for frame in frames:
        meter.take(frame)
    return meter.read()


def greys(*values: int) -> np.ndarray:
    return np.stack([np.full((16, 24, 3), value, np.uint8) for value in values])


def test_likeness_is_pooled_over_the_frames_that_both_have(seen):
    random = np.random.default_rng(1)
    one = random.integers(0, 256, (3, 16, 24, 3)).astype(np.uint8)
    other = np.clip(one[:2] + random.normal(0, 12, (2, 16, 24, 3)), 0, 255).astype(np.uint8)
    found = measure(LikenessMeter(seen(other)), seen(one))
    error = np.mean((one[:2].astype(float) - other) ** 2)
    assert found["psnr"].value == pytest.approx(10 * np.log10(255**2 / error), abs=1e-4)
    alike = [naive_ssim(a @ LUMA, b @ LUMA) for a, b in zip(one, other, strict=False)]
    assert found["ssim"].value == pytest.approx(np.mean(alike), abs=1e-4)


def test_the_same_pictures_have_no_noise_between_them(seen):
    frames = np.random.default_rng(2).integers(0, 256, (3, 16, 24, 3)).astype(np.uint8)
    assert measure(LikenessMeter(seen(frames)), seen(frames)) == SAME


def test_ssim_is_not_said_of_pictures_smaller_than_its_window(seen):
    small, other = np.zeros((2, 10, 64, 3), np.uint8), np.full((2, 10, 64, 3), 9, np.uint8)
    found = measure(LikenessMeter(seen(other)), seen(small))
    assert found["psnr"].value == pytest.approx(20 * np.log10(255 / 9), abs=1e-3)
    assert found["ssim"].reason is not None
    assert "11 pixels" in found["ssim"].reason


def test_a_baseline_that_breaks_off_is_told_apart_from_the_video(seen):
    def broken() -> Iterator[SeenFrame]:
        yield from seen(greys(1))
        raise InputError("video", "it is damaged", "Make it again")

    with pytest.raises(InputError, match="it is damaged"):
        measure(LikenessMeter(broken()), seen(greys(1, 2, 3)))
    with pytest.raises(InputError, match="no frames"):
        measure(LikenessMeter(iter(())), seen(greys(1, 2, 3)))
