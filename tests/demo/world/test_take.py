import numpy as np
import pytest
import torch

from demo.world.mouth import MouthTrack
from demo.world.take import begin_like, cut_mouth, draw_takes

TAKES, FRAMES = 300, 24


def track(frames: int) -> MouthTrack:
    """Opening, width and rounding that tell their frame."""
    numbers = np.arange(1, frames + 1, dtype=np.float32) / 100
    return MouthTrack(numbers, numbers + 0.2, numbers + 0.4)


def drawn(seed: int, count: int = TAKES):
    return draw_takes([track(FRAMES)] * count, torch.Generator().manual_seed(seed))


def test_takes_are_drawn_from_the_seed_and_everybody_is_somebody_new():
    takes, again, others = drawn(1), drawn(1), drawn(2)
    assert torch.equal(takes.performances.yaw, again.performances.yaw)
    assert torch.equal(takes.portraits.sway_x, again.portraits.sway_x)
    assert not torch.equal(takes.performances.yaw, others.performances.yaw)
    assert len(torch.unique(takes.identities.skin_colour, dim=0)) > TAKES / 2
    assert torch.equal(takes.performances.opening[3], torch.from_numpy(track(FRAMES).opening_V))


def test_in_the_picture_they_look_into_the_camera_with_closed_mouths():
    portraits = drawn(1).portraits
    assert portraits.opening.shape == (TAKES, 1)
    for value, wanted in (
        (portraits.opening, 0),
        (portraits.width, 0.5),
        (portraits.rounding, 0),
        (portraits.blink, 0),
    ):
        assert (value == wanted).all()
    assert portraits.yaw.abs().max() < 0.3
    assert portraits.pitch.abs().max() < 0.3
    # A few of them smile.
    assert 0.08 < (portraits.smile > 0.5).float().mean() < 0.25


def test_some_of_the_takes_can_be_selected():
    takes = drawn(1, count=6)
    some = takes.select(torch.tensor([4, 2]))
    assert torch.equal(some.performances.yaw, takes.performances.yaw[[4, 2]])
    assert torch.equal(some.portraits.yaw, takes.portraits.yaw[[4, 2]])
    assert torch.equal(some.identities.skin_colour, takes.identities.skin_colour[[4, 2]])
    assert torch.equal(some.acts.nod, takes.acts.nod[[4, 2]])


@pytest.mark.parametrize(
    ("begin", "frames", "opening"),
    [
        (1, 2, [0.02, 0.03]),
        (-2, 4, [0, 0, 0.01, 0.02]),
        (3, 4, [0.04, 0.05, 0, 0]),
        (-1, 7, [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0]),
        (-9, 2, [0, 0]),
        (7, 2, [0, 0]),
    ],
)
def test_a_piece_of_a_mouth_is_at_rest_where_the_speech_is_not(begin: int, frames: int, opening: list[float]):
    piece = cut_mouth(track(5), begin, frames)
    assert piece.opening_V.dtype == piece.width_V.dtype == piece.rounding_V.dtype == np.float32
    assert piece.opening_V.tolist() == pytest.approx(opening)
    speaks = np.array(opening) > 0
    assert piece.width_V.tolist() == pytest.approx(np.where(speaks, np.array(opening) + 0.2, 0.5).tolist())
    assert piece.rounding_V.tolist() == pytest.approx(np.where(speaks, np.array(opening) + 0.4, 0).tolist())


def test_heads_move_from_where_they_are_in_the_picture():
    takes = drawn(1, count=5)
    moved = begin_like(takes.portraits, takes.performances, 8)
    for name in ("smile", "yaw", "pitch", "sway_x", "sway_y"):
        pictured, performed, seen = (getattr(values, name) for values in (takes.portraits, takes.performances, moved))
        assert seen[:, 0].numpy() == pytest.approx((pictured[:, 0] * 7 / 8 + performed[:, 0] / 8).numpy(), abs=1e-6)
        assert seen[:, 3].numpy() == pytest.approx((pictured[:, 0] / 2 + performed[:, 3] / 2).numpy(), abs=1e-6)
        assert torch.allclose(seen[:, 7:], performed[:, 7:])
    for name in ("opening", "width", "rounding", "blink"):
        assert torch.equal(getattr(moved, name), getattr(takes.performances, name))


def test_a_short_performance_never_arrives():
    takes = drawn(1, count=5)
    short = takes.performances.window(0, 4)
    moved = begin_like(takes.portraits, short, 8)
    assert moved.yaw.shape == (5, 4)
    assert moved.yaw[:, 3].numpy() == pytest.approx((takes.portraits.yaw[:, 0] / 2 + short.yaw[:, 3] / 2).numpy())
