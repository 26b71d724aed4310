import pytest
import torch

from s2v_runner.records import SOLVER_NAMES
from s2v_runner.sampling.schedules import SOLVERS, make_solver
from tests.conftest import CPU


def follow(name: str, steps: int, velocity) -> torch.Tensor:
    """From x = 1 along a velocity that knows x and σ."""
    solver = make_solver(name, steps, range(steps), 3.0, CPU)
    sample = torch.ones(1, 1, 1, 1, 1, dtype=torch.float32)
    for index in range(steps):
        sample = solver.step(velocity(sample, float(solver.sigmas[index])), index, sample)
    return sample.squeeze()


@pytest.mark.parametrize("name", SOLVERS)
def test_schedules_run_from_noise_to_nothing(name: str):
    solver = make_solver(name, 10, range(10), 3.0, CPU)
    assert len(solver.timesteps) == 10
    assert len(solver.sigmas) == 11
    assert (solver.sigmas.diff() < 0).all()
    assert solver.sigmas[-1] == 0
    assert solver.timesteps[0] >= 999


def test_euler_is_told_exact_times():
    solver = make_solver("euler", 4, range(4), 5.0, CPU)
    assert torch.allclose(solver.timesteps, solver.sigmas[:-1] * 1000)
    assert solver.sigmas.tolist() == pytest.approx([1, 15 / 16, 5 / 6, 5 / 8, 0])


def test_euler_is_exact_on_a_straight_path():
    assert follow("euler", 7, lambda sample, sigma: torch.full_like(sample, 0.25)).item() == pytest.approx(0.75)


def test_all_solvers_agree_in_the_limit():
    # The path to a target of 2 that bends with σ; each solver, by its own schedule, must arrive at the same place.
    ends = [follow(name, 400, lambda sample, sigma: (sample - 2) * sigma).item() for name in SOLVERS]
    assert max(ends) - min(ends) < 5e-3


def test_every_solver_that_can_be_asked_for_is_there():
    assert tuple(SOLVERS) == SOLVER_NAMES
