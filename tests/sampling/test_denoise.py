import pytest
import torch

from s2v_runner.errors import GenerationError
from s2v_runner.sampling.denoise import denoise
from s2v_runner.sampling.schedules import SOLVERS, make_solver
from tests.conftest import CPU

LATENTS = torch.ones(1, 16, 1, 8, 8)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_step_that_breaks_is_named_and_is_the_last(name: str, value: float):
    calls = []

    def velocity(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        calls.append(timestep)
        return torch.full_like(latents, value if len(calls) == 3 else 0.0)

    with pytest.raises(GenerationError, match="step 3 of 6"):
        denoise(LATENTS, velocity, make_solver(name, 6, range(6), 3.0, CPU), lambda *_: None)
    assert len(calls) == 3


def test_progress_and_times():
    told, times = [], []

    def velocity(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        times.append(float(timestep))
        return torch.zeros_like(latents)

    solver = make_solver("unipc", 4, range(4), 3.0, CPU)
    denoise(LATENTS, velocity, solver, lambda *step: told.append(step))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert times == solver.timesteps.tolist()
