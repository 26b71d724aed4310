import numpy as np
import pytest
import torch

from demo.world.head import render
from demo.world.mouth import MouthTrack
from demo.world.performance import Performances
from demo.world.regions import mark_features
from demo.world.take import Takes, draw_takes

SIDE = 64


@pytest.fixture(scope="module")
def takes() -> Takes:
    """Eight people in three frames, whose heads are anywhere."""
    tracks = [MouthTrack(*np.full((3, 3), 0.5, np.float32)) for _ in range(8)]
    return draw_takes(tracks, torch.Generator().manual_seed(5))


def changed(takes: Takes, **values: float) -> torch.Tensor:
    """Pixels that depend on these parts of the performance, bool [B, V, H, W]."""
    fields = vars(takes.performances)
    pictures = [
        render(takes.identities, Performances(**{**fields, **dict.fromkeys(values, torch.full((8, 3), value))}), SIDE)
        for value in (0.0, *values.values())
    ]
    return (pictures[0] - pictures[1]).abs().amax(dim=1) > 0.1


def test_the_mouth_and_the_eyes_are_marked_and_little_else(takes: Takes):
    marked = mark_features(takes.identities, takes.performances, SIDE)
    assert marked.shape == (8, 3, SIDE, SIDE)
    assert marked.dtype == torch.bool
    # The outline of the jaw moves with the mouth, and is not marked.
    for pixels, share in ((changed(takes, opening=1.0), 0.7), (changed(takes, blink=1.0), 0.95)):
        assert pixels.flatten(2).any(dim=2).all()
        assert (pixels & marked).sum() > share * pixels.sum()
    assert 0.03 < marked.float().mean() < 0.3


def test_a_coarse_cell_is_marked_when_any_of_it_is(takes: Takes):
    fine = mark_features(takes.identities, takes.performances, SIDE)
    coarse = mark_features(takes.identities, takes.performances, 8)
    touched = fine.unflatten(3, (8, 8)).unflatten(2, (8, 8)).any(dim=5).any(dim=3)
    assert (coarse | ~touched).all()
    assert coarse.sum() < 1.5 * touched.sum()
