from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from s2v_runner.errors import InputError
from s2v_runner.passes import check_economy, choose_steps, count_passes, exact_passes, noise_levels, plan_passes
from s2v_runner.records import EVERY_PASS, SOLVER_NAMES, Economy, Request
from s2v_runner.sampling.schedules import make_solver
from tests.conftest import CPU

Make = Callable[..., Request]


def economy(**changes: Any) -> Economy:
    return replace(EVERY_PASS, **changes)


@pytest.fixture
def passes_of(request_for: Make) -> Callable[..., tuple[str, ...]]:
    """The passes of ten steps with guidance, something of the economy changed."""

    def passes(guide_scale: float = 3.0, **changes: Any) -> tuple[str, ...]:
        request = request_for(steps=10, guide_scale=guide_scale, solver="euler", economy=economy(**changes))
        return plan_passes(request, shift=1.0)

    return passes


def test_exact_sampling_asks_both_branches_at_every_step(passes_of):
    assert passes_of() == ("guided",) * 10
    assert passes_of(guide_scale=1.0) == ("conditioned",) * 10
    assert count_passes(passes_of()) == exact_passes(10, 3.0) == 20
    assert count_passes(passes_of(guide_scale=1.0)) == exact_passes(10, 1.0) == 10


@pytest.mark.parametrize(
    ("low", "high", "guided"),
    [
        (0.0, 1.0, range(10)),
        # Before its steps, a schedule without shift has the shares 1, 0.9, … 0.1.
        (0.5, 0.8, range(2, 6)),
        (1.0, 1.0, [0]),
        (0.0, 0.1, [9]),
        (0.0, 0.05, []),
        (0.55, 0.58, []),
    ],
)
def test_guidance_is_where_the_noise_is_within_the_bounds_both_included(passes_of, low: float, high: float, guided):
    passes = passes_of(guidance_from=low - 1e-9 if low else 0.0, guidance_to=min(1.0, high + 1e-9))
    assert [step for step, asked in enumerate(passes) if asked == "guided"] == list(guided)
    assert count_passes(passes) == 10 + len(guided)


def test_every_nth_guided_step_asks_the_unconditioned_branch(passes_of):
    assert passes_of(guidance_every=3) == ("guided", "reused", "reused") * 3 + ("guided",)
    late = passes_of(guidance_every=2, guidance_to=0.75)
    # Counted from the first that has guidance, so that a difference is there to be kept.
    assert late == ("conditioned",) * 3 + ("guided", "reused") * 3 + ("guided",)


def test_steps_are_left_out_evenly_and_the_first_is_taken(passes_of):
    assert passes_of(step_share=0.5) == ("guided", "merged") * 5
    assert choose_steps(noise_levels("unipc", 40, 3.0), economy(step_share=0.25)) == list(range(0, 40, 4))
    assert choose_steps(noise_levels("unipc", 10, 3.0), economy(step_share=0.01)) == [0]
    assert count_passes(passes_of(step_share=0.5, guidance_every=2)) == 8


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("solver", SOLVER_NAMES)
def test_levels_choose_as_many_steps_as_asked_each_once(solver: str, share: float):
    sigmas = noise_levels(solver, 20, 5.0)
    for levels in ((1.0, 0.0), (0.99, 0.98, 0.97, 0.0), (1.0, 0.02, 0.01, 0.0), (0.4, 0.2)):
        chosen = choose_steps(sigmas, economy(step_share=share, levels=levels))
        assert len(chosen) == max(1, round(20 * share))
        assert chosen[0] == 0
        assert all(np.diff(chosen) > 0)
        assert chosen[-1] < 20


def test_levels_of_chosen_steps_choose_them_again():
    sigmas = noise_levels("unipc", 40, 3.0)
    steps = [0, 1, 2, 5, 9, 20, 33, 39]
    levels = (*sigmas[steps].tolist(), 0.0)
    assert choose_steps(sigmas, economy(step_share=8 / 40, levels=levels)) == steps


def test_levels_put_steps_where_the_same_noise_is_with_another_shift_and_number():
    steps = choose_steps(noise_levels("unipc", 40, 3.0), economy(step_share=0.25, levels=(1.0, 0.9, 0.5, 0.0)))
    other = choose_steps(noise_levels("unipc", 80, 5.0), economy(step_share=0.125, levels=(1.0, 0.9, 0.5, 0.0)))
    assert noise_levels("unipc", 80, 5.0)[other] == pytest.approx(noise_levels("unipc", 40, 3.0)[steps], abs=0.04)


@pytest.mark.parametrize("solver", SOLVER_NAMES)
@pytest.mark.parametrize(("steps", "shift"), [(1, 3.0), (20, 3.0), (40, 5.0)])
def test_what_is_planned_with_is_what_the_solvers_do(solver: str, steps: int, shift: float):
    made = make_solver(solver, steps, range(steps), shift, CPU)
    assert torch.tensor(noise_levels(solver, steps, shift), dtype=torch.float32).tolist() == made.sigmas[:-1].tolist()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"guidance_from": -0.1}, "speed.guidance_from=-0.1"),
        ({"guidance_to": 1.1}, "speed.guidance_to=1.1"),
        ({"guidance_to": float("nan")}, "speed.guidance_to=nan"),
        ({"guidance_from": 0.6, "guidance_to": 0.5}, "speed.guidance_from=0.6"),
        ({"guidance_every": 0}, "speed.guidance_every=0"),
        ({"step_share": 0.0}, "speed.step_share=0"),
        ({"step_share": 1.5}, "speed.step_share=1.5"),
        ({"step_share": float("nan")}, "speed.step_share=nan"),
    ],
)
def test_an_economy_that_cannot_be_is_refused_by_its_key(changes: dict[str, Any], named: str):
    with pytest.raises(InputError) as caught:
        check_economy(economy(**changes))
    assert caught.value.subject == named
