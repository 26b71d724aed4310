"""The solvers, each with the schedule the original gives it.

UniPC (Zhao et al., 2023) and DPM-Solver++ (Lu et al., 2022) are Diffusers' implementations under the settings of
the original's `wan/utils/fm_solvers_unipc.py` and `fm_solvers.py`; Euler is one line and serves to compare with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from s2v_runner.passes import noise_levels

TRAINING_STEPS = 1000


class Solver(Protocol):
    """One trajectory's solver. It remembers earlier steps, so each trajectory needs a new one."""

    @property
    def timesteps(self) -> torch.Tensor:
        """What the model is told at each step, [steps]."""
        ...

    @property
    def sigmas(self) -> torch.Tensor:
        """The share of noise before each step and after the last, float32 [steps + 1]."""
        ...

    def step(self, velocity: torch.Tensor, index: int, latents: torch.Tensor) -> torch.Tensor:
        """The latents after step `index`, shaped like those before it."""
        ...


@dataclass(frozen=True)
class DiffusersSolver:
    scheduler: UniPCMultistepScheduler | DPMSolverMultistepScheduler
    timesteps: torch.Tensor
    sigmas: torch.Tensor

    def step(self, velocity: torch.Tensor, index: int, latents: torch.Tensor) -> torch.Tensor:
        return self.scheduler.step(velocity, self.timesteps[index], latents, return_dict=False)[0]


@dataclass(frozen=True)
class EulerSolver:
    timesteps: torch.Tensor
    sigmas: torch.Tensor

    def step(self, velocity: torch.Tensor, index: int, latents: torch.Tensor) -> torch.Tensor:
        return latents + (self.sigmas[index + 1] - self.sigmas[index]).to(velocity.device) * velocity


def make_solver(name: str, steps: int, taken: Sequence[int], shift: float, device: torch.device) -> Solver:
    """A new solver for one trajectory, which takes these steps of the schedule and reaches over the others."""
    assert len(taken)
    return SOLVERS[name](steps, list(taken), shift, device)


def _make_unipc(steps: int, taken: list[int], shift: float, device: torch.device) -> Solver:
    scheduler = UniPCMultistepScheduler(
        num_train_timesteps=TRAINING_STEPS,
        solver_order=2,
        prediction_type="flow_prediction",
        solver_type="bh2",
        predict_x0=True,
        lower_order_final=True,
        use_flow_sigmas=True,
        flow_shift=shift,
    )
    # The scheduler shifts them itself.
    sigmas = noise_levels("unipc", steps, shift=1.0)[taken]
    # Annotated as a list there, and computed with as the array that it must be.
    scheduler.set_timesteps(sigmas=sigmas, device=device)  # pyright: ignore[reportArgumentType]
    scheduler.set_begin_index(0)
    return DiffusersSolver(scheduler, scheduler.timesteps, scheduler.sigmas)


def _make_dpmpp(steps: int, taken: list[int], shift: float, device: torch.device) -> Solver:
    scheduler = DPMSolverMultistepScheduler(
        num_train_timesteps=TRAINING_STEPS,
        solver_order=2,
        algorithm_type="dpmsolver++",
        solver_type="midpoint",
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        lower_order_final=True,
        final_sigmas_type="zero",
    )
    # Diffusers spaces flow sigmas in its own way, so the scheduler is given the original's: told to the model cut
    # to whole numbers, and to the solver exactly.
    sigmas = noise_levels("dpmpp", steps, shift)[taken]
    scheduler.timesteps = torch.from_numpy(sigmas * TRAINING_STEPS).to(device=device, dtype=torch.int64)
    scheduler.sigmas = torch.from_numpy(np.append(sigmas, 0.0).astype(np.float32))
    scheduler.num_inference_steps = len(taken)
    scheduler.set_begin_index(0)
    return DiffusersSolver(scheduler, scheduler.timesteps, scheduler.sigmas)


def _make_euler(steps: int, taken: list[int], shift: float, device: torch.device) -> Solver:
    exact = torch.from_numpy(np.append(noise_levels("euler", steps, shift)[taken], 0.0).astype(np.float32))
    return EulerSolver((exact[:-1] * TRAINING_STEPS).to(device), exact)


SOLVERS: dict[str, Callable[[int, list[int], float, torch.device], Solver]] = {
    "unipc": _make_unipc,
    "dpmpp": _make_dpmpp,
    "euler": _make_euler,
}
