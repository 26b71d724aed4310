from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from demo.training.autoencoder import Batch
from demo.training.footage import CLIP_FRAMES, SIDE
from demo.training.pace import Beat
from demo.training.reels import CROP, Reels, cut_batch, reel_maker
from demo.world.mouth import MouthTrack

CPU = torch.device("cpu")
TAKES, FRAMES_A_BATCH = 8, 34
EARLY, LATE = 0.3, 0.9


@pytest.fixture(scope="module")
def mouths() -> Sequence[MouthTrack]:
    """One that is longer than any video and one that is shorter."""
    rng = np.random.default_rng(0)
    return [MouthTrack(*rng.random((3, frames), dtype=np.float32)) for frames in (120, 9)]


@pytest.fixture(scope="module")
def draw(mouths: Sequence[MouthTrack]) -> Callable[[Beat], Batch]:
    return reel_maker(mouths, TAKES, FRAMES_A_BATCH, CPU, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("share", "side"), [(EARLY, CROP), (LATE, SIDE)])
def test_batches_are_squares_at_first_and_whole_frames_later(draw: Callable[[Beat], Batch], share: float, side: int):
    lengths = set()
    for step in range(8):
        batch = draw(Beat(step, 0.0, share))
        count, colours, frames, *sides = batch.video_BCVHW.shape
        lengths.add(frames)
        assert (colours, sides) == (3, [side, side])
        assert batch.weight_B1VHW.shape == (count, 1, frames, side, side)
        assert count == max(1, FRAMES_A_BATCH * SIDE // side // frames)
        assert -1 <= batch.video_BCVHW.min() < batch.video_BCVHW.max() <= 1
        assert set(batch.weight_B1VHW.unique().tolist()) <= {1.0, 4.0}
    # As the autoencoder takes them, of several lengths, and in the end some as long as an opening clip.
    assert all(frames % 4 == 1 for frames in lengths)
    assert len(lengths) > 1
    assert (max(lengths) == 1 + CLIP_FRAMES) is (share == LATE)


def test_batches_are_drawn_from_the_seed(mouths: Sequence[MouthTrack]):
    first, again, other = (
        reel_maker(mouths, TAKES, FRAMES_A_BATCH, CPU, torch.Generator().manual_seed(seed))(Beat(0, 0.0, EARLY))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first.video_BCVHW, again.video_BCVHW)
    assert not torch.equal(first.video_BCVHW, other.video_BCVHW)


def test_what_moves_fastest_counts_more(draw: Callable[[Beat], Batch]):
    """The lips move at random from frame to frame."""
    batches = [draw(Beat(step, 0.0, LATE)) for step in range(7)]
    changes, weights = (
        torch.cat([values.flatten() for values in some])
        for some in (
            [batch.video_BCVHW.diff(dim=2)[:, :, 2:].abs().mean(dim=1, keepdim=True) for batch in batches],
            [batch.weight_B1VHW[:, :, 3:] for batch in batches],
        )
    )
    assert changes[weights > 1].mean() > 5 * changes[weights == 1].mean()


LENGTH, HEIGHT = 30, 16


@pytest.fixture(scope="module")
def numbered() -> Reels:
    """Three videos whose colours tell video and frame, row, and column; the lower half is marked."""
    video = torch.zeros(3, LENGTH, 3, HEIGHT, HEIGHT, dtype=torch.uint8)
    video[:, :, 0] = (80 * torch.arange(3)[:, None] + torch.arange(LENGTH) + 1)[:, :, None, None]
    video[:, :, 1] = (torch.arange(HEIGHT) + 1)[:, None]
    video[:, :, 2] = torch.arange(HEIGHT) + 1
    marked = (torch.arange(HEIGHT) >= 8)[:, None].expand(3, LENGTH, HEIGHT, HEIGHT)
    return Reels(video, marked)


def numbers_of(batch: Batch) -> torch.Tensor:
    """The bytes that the batch was made of, int64 [B, 3, V, H, W]; grey has none."""
    return ((batch.video_BCVHW + 1) * 127.5).round().long()


def test_a_piece_is_of_one_video_at_one_place_and_marked_there(numbered: Reels):
    batch = cut_batch(numbered, 400, 5, 6, torch.Generator().manual_seed(0))
    assert batch.video_BCVHW.shape == (400, 3, 5, 6, 6)
    grey = (batch.video_BCVHW == 0).all(dim=(1, 3, 4))
    time, row, column = (numbers_of(batch) - 1).unbind(1)
    seen = ~grey[:, :, None, None]
    place_row, place_column = row[:, -1, 0, 0], column[:, -1, 0, 0]
    rows = place_row[:, None, None, None] + torch.arange(6)[:, None]
    assert ((row == rows) | ~seen).all()
    assert ((column == place_column[:, None, None, None] + torch.arange(6)) | ~seen).all()
    assert torch.equal(batch.weight_B1VHW[:, 0], torch.where((rows >= 8) & seen, 4.0, 1.0).expand_as(row))
    assert set(place_row.tolist()) == set(place_column.tolist()) == set(range(HEIGHT - 5))

    moment = time[..., 0, 0][~grey[:, 0]]
    assert (moment[:, 1:] == moment[:, -1:] + torch.arange(-3, 1)).all()
    assert set((moment[:, -1] % 80).tolist()) == set(range(4, LENGTH))
    assert torch.equal(moment[:, 0] // 80, moment[:, -1] // 80)
    # The first frame is often from another moment, as a picture is.
    jumps = moment[:, 0] != moment[:, -1] - 4
    assert jumps.float().mean().item() == pytest.approx(0.3, abs=0.08)


def test_after_grey_a_picture_may_stand_still_as_where_a_run_begins_with_it(numbered: Reels):
    batch = cut_batch(numbered, 400, 5, 6, torch.Generator().manual_seed(0))
    grey = (batch.video_BCVHW == 0).all(dim=(1, 3, 4))
    moment = (numbers_of(batch)[:, 0, :, 0, 0] - 1)[grey[:, 0] & (grey.sum(dim=1) <= 3)]
    still = moment[:, -1] == moment[:, -2]
    assert still.float().mean().item() == pytest.approx(0.5, abs=0.25)
    assert (moment[~still, -1] == moment[~still, -2] + 1).all()


def test_some_pieces_begin_with_grey(numbered: Reels):
    batch = cut_batch(numbered, 400, 5, 6, torch.Generator().manual_seed(0))
    grey = (batch.video_BCVHW == 0).all(dim=(1, 3, 4))
    assert grey[:, 0].float().mean().item() == pytest.approx(0.1, abs=0.05)
    # From the beginning on and never to the end.
    assert (grey[:, :-1] | ~grey[:, 1:]).all()
    assert set(grey.sum(dim=1).tolist()) == {0, 1, 2, 3, 4}
