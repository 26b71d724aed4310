import dataclasses
from collections.abc import Sequence

import pytest
import torch

from s2v_runner.records import Pass
from s2v_runner.sampling.denoise import denoise
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, guided_velocity, in_turn
from s2v_runner.sampling.schedules import SOLVERS, make_solver
from s2v_runner.transformer import S2VTransformer
from tests.conftest import CPU
from tests.transformer.models import LATENTS, TIME, draw, make_conditioning

SCALE = 4.5
NEGATIVE = draw(31, 1, 4, 24)


class Counted:
    """A velocity that counts how often it is asked."""

    def __init__(self, slope: float, bias: float) -> None:
        self.slope, self.bias, self.asked = slope, bias, 0

    def __call__(self, latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        return self.slope * latents_BCFHW + self.bias * timestep_B / 1000


def ask(passes: Sequence[Pass], conditioned: Counted, unconditioned: Counted) -> list[float]:
    """What is followed at x = 2 and falling times."""
    pair = ONE_AFTER_THE_OTHER.pair(lambda: conditioned, lambda: unconditioned)
    velocity = in_turn(pair, SCALE, passes)
    times = torch.linspace(1000, 100, len(passes))
    return [float(velocity(torch.tensor([2.0]), time.expand(1))) for time in times]


def test_each_pass_follows_what_it_asks_for():
    one, other = Counted(1.0, 3.0), Counted(0.5, 1.0)
    followed = ask(("conditioned", "guided", "reused", "reused", "guided"), one, other)
    times = torch.linspace(1, 0.1, 5).tolist()
    with_speech = [2.0 + 3.0 * time for time in times]
    difference = [1.0 + 2.0 * time for time in times]
    expected = [
        with_speech[0],
        with_speech[1] + (SCALE - 1) * difference[1],
        with_speech[2] + (SCALE - 1) * difference[1],
        with_speech[3] + (SCALE - 1) * difference[1],
        with_speech[4] + (SCALE - 1) * difference[4],
    ]
    assert followed == pytest.approx(expected, rel=1e-6)
    assert (one.asked, other.asked) == (5, 2)


def test_a_difference_that_does_not_change_is_kept_without_loss():
    passes: tuple[Pass, ...] = ("guided", "reused", "reused", "reused")
    every = ask(("guided",) * 4, Counted(1.0, 3.0), Counted(1.0, 3.0))
    assert ask(passes, Counted(1.0, 3.0), Counted(1.0, 3.0)) == pytest.approx(every)
    moved = ask(("guided",) * 4, Counted(1.0, 2.0), Counted(1.0, 0.0))
    assert ask(passes, Counted(1.0, 2.0), Counted(1.0, 0.0)) != pytest.approx(moved)


def test_each_clip_begins_with_nothing_kept():
    one, other = Counted(1.0, 3.0), Counted(0.5, 1.0)
    passes: tuple[Pass, ...] = ("guided", "reused")
    assert ask(passes, one, other) == ask(passes, one, other)


@pytest.fixture
def counted_passes(transformer: S2VTransformer):
    """How often the transformer was asked."""
    calls: list[int] = []
    handle = transformer.register_forward_hook(lambda *_: calls.append(1))
    yield calls
    handle.remove()


@torch.no_grad()
def test_every_pass_is_exactly_both_branches(transformer: S2VTransformer, counted_passes: list[int]):
    conditioned = make_conditioning()
    made = guided_velocity(transformer, conditioned, NEGATIVE, SCALE, ("guided",), ONE_AFTER_THE_OTHER)(LATENTS, TIME)
    assert len(counted_passes) == 2
    without = dataclasses.replace(conditioned, text_BTC=NEGATIVE, audio_BJCV=torch.zeros_like(conditioned.audio_BJCV))
    one, other = (transformer(LATENTS, TIME, transformer.prepare(each)) for each in (conditioned, without))
    assert torch.equal(made, other + SCALE * (one - other))


@torch.no_grad()
@pytest.mark.parametrize(
    ("passes", "asked"),
    [
        (("guided", "guided", "guided"), 6),
        (("guided", "reused", "reused"), 4),
        (("conditioned", "guided", "reused"), 4),
        (("conditioned", "conditioned", "conditioned"), 3),
    ],
)
def test_the_transformer_is_asked_as_often_as_planned(
    transformer: S2VTransformer,
    counted_passes: list[int],
    passes: tuple[Pass, ...],
    asked: int,
):
    velocity = guided_velocity(transformer, make_conditioning(), NEGATIVE, SCALE, passes, ONE_AFTER_THE_OTHER)
    solver = make_solver("unipc", 3, range(3), 3.0, CPU)
    denoise(LATENTS, velocity, solver, lambda *_: None)
    assert len(counted_passes) == asked


@pytest.mark.parametrize("name", SOLVERS)
def test_steps_that_are_left_out_cost_nothing_on_a_straight_path(name: str):
    still = torch.full_like(LATENTS, 0.25)
    ends = [
        denoise(LATENTS, lambda *_: still, make_solver(name, 12, taken, 3.0, CPU), lambda *_: None)
        for taken in (range(12), (0, 1, 5, 6, 11), (0,))
    ]
    for end in ends[1:]:
        assert torch.allclose(end, ends[0], atol=1e-5)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_walks_over_the_steps_that_are_taken(name: str):
    whole, part = (make_solver(name, 12, taken, 3.0, CPU) for taken in (range(12), (0, 3, 4, 11)))
    assert part.timesteps.tolist() == whole.timesteps[[0, 3, 4, 11]].tolist()
    assert part.sigmas.tolist() == whole.sigmas[[0, 3, 4, 11, 12]].tolist()
