"""Frames of finished clips: back as they were, and never half of them."""

from pathlib import Path

import numpy as np
import pytest

from s2v_runner.errors import OutputError
from s2v_runner.video.store import ClipStore


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 6, 10, 3), np.uint8)


def test_frames_come_back_as_they_were(tmp_path: Path, frames: np.ndarray):
    store = ClipStore(tmp_path / "resume", 6, 10)
    for begin in range(0, 37, 4):
        store.write(2, frames[begin : begin + 4])
    store.finish(2)
    assert store.count(2) == 37
    assert np.array_equal(np.concatenate(list(store.read(2))), frames)
    assert store.count(1) == 0


def test_a_clip_that_was_not_finished_is_not_there(tmp_path: Path, frames: np.ndarray):
    store = ClipStore(tmp_path, 6, 10)
    store.write(0, frames)
    store.discard()
    assert ClipStore(tmp_path, 6, 10).count(0) == 0


def test_a_clip_begun_again_holds_nothing_of_the_first_time(tmp_path: Path, frames: np.ndarray):
    store = ClipStore(tmp_path, 6, 10)
    store.write(0, frames)
    store.discard()
    store.write(0, frames[:5])
    store.finish(0)
    assert store.count(0) == 5


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path, frames: np.ndarray):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        ClipStore(tmp_path / "file", 6, 10).write(0, frames)
