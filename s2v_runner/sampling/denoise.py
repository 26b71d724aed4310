"""The loop over the steps of one clip."""

from collections.abc import Callable

import torch

from s2v_runner.errors import GenerationError
from s2v_runner.sampling.guidance import Velocity
from s2v_runner.sampling.schedules import Solver

OnStep = Callable[[int, int], None]
"""Told after each step: how many are done, how many there are."""


def denoise(latents_BCFHW: torch.Tensor, velocity: Velocity, solver: Solver, on_step: OnStep) -> torch.Tensor:
    """Follow the velocity from noise to latents.

    Raises GenerationError at the first step after which a latent is not finite, and names the step: what comes
    after it would be hours of work on nothing.
    """
    steps = len(solver.timesteps)
    batch = latents_BCFHW.shape[0]
    for index in range(steps):
        timestep_B = solver.timesteps[index].expand(batch)
        latents_BCFHW = solver.step(velocity(latents_BCFHW, timestep_B), index, latents_BCFHW)
        if not torch.isfinite(latents_BCFHW).all():
            raise GenerationError(
                f"step {index + 1} of {steps} (t = {float(solver.timesteps[index]):g}) left latents that are not "
                "finite. Try another dtype or attention backend; `s2v-runner check --deep` looks for broken weights"
            )
        on_step(index + 1, steps)
    return latents_BCFHW
