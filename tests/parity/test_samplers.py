import pytest
import torch

from s2v_runner.sampling.schedules import make_solver
from tests.parity.recordings import assert_agrees, tensors

OUR_NAMES = {"unipc": "unipc", "dpm++": "dpmpp"}
RUNS = sorted({key.rpartition(".")[0] for key in tensors("samplers") if "." in key})


@pytest.mark.parametrize("run", RUNS)
def test_trajectory(run: str):
    recorded = tensors("samplers")
    name, steps, shift = run.split(".", 2)
    solver = make_solver(OUR_NAMES[name], int(steps), range(int(steps)), float(shift), torch.device("cpu"))
    assert torch.equal(solver.timesteps, recorded[f"{run}.timesteps"])
    assert_agrees(solver.sigmas, recorded[f"{run}.sigmas"], 1e-5)

    sample = recorded["start"]
    for index, timestep in enumerate(solver.timesteps):
        time = timestep.item()
        mixed = torch.einsum("dc,bcfhw->bdfhw", recorded["mix"], sample)
        velocity = torch.tanh(mixed) * (1 + time / 1000) - time / 1000 * recorded["target"]
        sample = solver.step(velocity, index, sample)
    assert_agrees(sample, recorded[f"{run}.final"], 1e-5)
