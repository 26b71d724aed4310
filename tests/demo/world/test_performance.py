from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from demo.world.mouth import MouthTrack
from demo.world.performance import FRAMES_PER_SECOND, Acts, Performances, draw_acts, perform

TAKES, FRAMES = 40, 96


def mouths(count: int, frames: int) -> list[MouthTrack]:
    rng = np.random.default_rng(0)
    return [MouthTrack(*rng.random((3, frames), dtype=np.float32)) for _ in range(count)]


def all_doing(nod: bool, turn: int, smile: bool, still: bool) -> Acts:
    return Acts(
        torch.full((TAKES,), nod), torch.full((TAKES,), turn), torch.full((TAKES,), smile), torch.full((TAKES,), still)
    )


def performed(
    nod: bool = False, turn: int = 0, smile: bool = False, still: bool = False, seed: int = 3
) -> Performances:
    generator = torch.Generator().manual_seed(seed)
    return perform(mouths(TAKES, FRAMES), all_doing(nod, turn, smile, still), generator)


def steps(value: Tensor) -> float:
    """The largest step from one frame to the next."""
    return float(value.diff(dim=1).abs().max())


def test_acts_are_drawn_from_the_seed_and_do_not_contradict_each_other():
    acts = draw_acts(2000, torch.Generator().manual_seed(1))
    again = draw_acts(2000, torch.Generator().manual_seed(1))
    assert torch.equal(acts.turn, again.turn)
    assert [value.dtype for value in (acts.nod, acts.turn, acts.smile, acts.still)] == [
        torch.bool,
        torch.int64,
        torch.bool,
        torch.bool,
    ]
    assert set(acts.turn.tolist()) == {-1, 0, 1}
    assert not (acts.still & (acts.nod | (acts.turn != 0))).any()
    for share in (acts.nod, acts.turn == -1, acts.turn == 1, acts.smile, acts.still):
        assert 0.1 < share.float().mean() < 0.5
    assert (acts.nod & (acts.turn != 0) & acts.smile).any()
    assert acts.select(torch.tensor([4])).nod.shape == (1,)


def test_the_mouth_is_the_one_of_the_track():
    tracks = mouths(TAKES, FRAMES)
    take = performed()
    assert take.opening.shape == (TAKES, FRAMES)
    assert np.array_equal(take.opening[7].numpy(), tracks[7].opening_V)
    assert np.array_equal(take.width[7].numpy(), tracks[7].width_V)
    assert np.array_equal(take.rounding[7].numpy(), tracks[7].rounding_V)


def test_the_same_seed_moves_in_the_same_way_whatever_is_said():
    first, second = performed(), performed()
    silence = MouthTrack(*(np.zeros(FRAMES, np.float32) for _ in range(3)))
    silent = perform([silence] * TAKES, all_doing(False, 0, False, False), torch.Generator().manual_seed(3))
    for name in ("smile", "yaw", "pitch", "sway_x", "sway_y", "blink"):
        assert torch.equal(getattr(first, name), getattr(second, name))
        assert torch.equal(getattr(first, name), getattr(silent, name))
    assert not torch.equal(first.yaw, performed(seed=4).yaw)


def test_nods_swing_once_or_twice_a_second_throughout():
    pitch = performed(nod=True).pitch
    assert (pitch.amax(1) > 0.55).all()
    assert (pitch.amin(1) < -0.55).all()
    crossings = (pitch.sign().diff(dim=1) != 0).sum(1) / (FRAMES / FRAMES_PER_SECOND)
    assert (crossings > 1.6).all()
    assert (crossings < 4.2).all()
    # From the first second to the last.
    for second in pitch.split(FRAMES_PER_SECOND, dim=1):
        assert (second.amax(1) - second.amin(1) > 0.9).all()


@pytest.mark.parametrize("side", [-1, 1])
def test_turns_go_to_their_side_within_a_second_and_stay(side: int):
    yaw = performed(turn=side).yaw * side
    assert (yaw[:, FRAMES_PER_SECOND:] > 0.55).all()
    assert yaw.max() <= 1
    assert (yaw[:, 0].abs() < 0.25).all()


def test_smiles_are_clear_and_faces_else_serious():
    assert performed(smile=True).smile.min() >= 0.7
    assert performed(smile=False).smile.max() <= 0.1
    assert performed(smile=False).smile.min() >= 0


def test_heads_sway_a_little_and_still_ones_hardly():
    swaying, still = performed(), performed(still=True)
    for name, most in (("yaw", 0.25), ("pitch", 0.25), ("sway_x", 0.12), ("sway_y", 0.12)):
        assert 0.02 < getattr(swaying, name).abs().max() <= most
        assert getattr(still, name).abs().max() < 0.1 * most


MOVES: list[Callable[[], Performances]] = [
    lambda: performed(),
    lambda: performed(turn=1, smile=True),
    lambda: performed(still=True),
]


@pytest.mark.parametrize("move", MOVES)
def test_movement_is_smooth(move: Callable[[], Performances]):
    take = move()
    assert steps(take.yaw) < 0.25
    assert steps(take.pitch) < 0.05
    assert steps(take.smile) < 0.03
    assert steps(take.sway_x) < 0.02
    assert steps(take.sway_y) < 0.02


def test_blinks_are_short_and_seconds_apart():
    generator = torch.Generator().manual_seed(0)
    blink = perform(mouths(TAKES, 400), all_doing(False, 0, False, True), generator).blink
    assert blink.min() == 0
    assert blink.max() == 1
    for row in blink:
        shut = (row > 0).int()
        begins = (shut.diff() == 1).nonzero()[:, 0]
        ends = (shut.diff() == -1).nonzero()[:, 0]
        gaps = begins.diff() / FRAMES_PER_SECOND
        assert len(begins) >= 5
        assert gaps.min() > 1.4
        assert gaps.max() < 4.1
        lengths = ends[ends > begins[0]] - begins[: len(ends[ends > begins[0]])]
        assert set(lengths.tolist()) <= {2, 3}


def test_a_take_of_one_frame_can_be_performed():
    one = perform(mouths(TAKES, 1), all_doing(True, 1, True, False), torch.Generator().manual_seed(0))
    assert one.pitch.shape == (TAKES, 1)


def test_windows_and_selections_cut_every_field():
    take = performed()
    piece = take.window(10, 14).select(torch.tensor([3, 1]))
    assert piece.blink.shape == (2, 4)
    assert torch.equal(piece.yaw, take.yaw[[3, 1], 10:14])
