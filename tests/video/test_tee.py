"""One stream to many."""

import hashlib

import numpy as np
import pytest

from s2v_runner.video.tee import FrameTee


class Pile:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self.ended = ""

    def write(self, frames: np.ndarray) -> None:
        self.frames.append(frames)

    def close(self) -> None:
        self.ended = "closed"

    def discard(self) -> None:
        self.ended = "discarded"


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (11, 4, 6, 3), np.uint8)


def test_everyone_gets_every_frame_and_the_hash_is_of_all(frames: np.ndarray):
    piles = [Pile(), Pile()]
    tee = FrameTee(piles, 11)
    for begin in range(0, 11, 4):
        tee.write(frames[begin : begin + 4])
    summary = tee.close()
    assert (summary.count, summary.height, summary.width) == (11, 4, 6)
    assert summary.sha256 == hashlib.sha256(frames.tobytes()).hexdigest()
    for pile in piles:
        assert np.array_equal(np.concatenate(pile.frames), frames)
        assert pile.ended == "closed"
    assert np.array_equal(tee.middle, frames[5])


def test_a_cut_frame_hashes_like_its_copy(frames: np.ndarray):
    cut = frames[:, 1:3, 1:5]
    tee = FrameTee([], 11)
    tee.write(cut)
    assert tee.close().sha256 == hashlib.sha256(cut.copy().tobytes()).hexdigest()


def test_giving_up_gives_up_everyone(frames: np.ndarray):
    pile = Pile()
    tee = FrameTee([pile], 11)
    tee.write(frames[:3])
    tee.discard()
    assert pile.ended == "discarded"
