"""The solvers, each with the schedule the original gives it.

UniPC (Zhao et al., 2023) and DPM-Solver++ (Lu et al., 2022) are Diffusers' implementations under the settings of
the original's `wan/utils/fm_solvers_unipc.py` and `fm_solvers.py`; Euler is one line and serves to compare with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

TRAINING_STEPS = 1000
# UniPC never sees σ = 1 in the original: its schedule starts at the float32 nearest to 1 − 1/1000.
_UNIPC_FIRST_SIGMA = float(np.float32(0.999))


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


def shift_sigmas(sigmas: np.ndarray, shift: float) -> np.ndarray:
    """Move a schedule towards noise: s·σ / (1 + (s − 1)·σ). Source: SD3 (Esser et al., 2024), as Wan uses it."""
    return shift * sigmas / (1 + (shift - 1) * sigmas)


def make_solver(name: str, steps: int, shift: float, device: torch.device) -> Solver:
    """A new solver for one trajectory."""
    return SOLVERS[name](steps, shift, device)


def _make_unipc(steps: int, shift: float, device: torch.device) -> Solver:
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
    sigmas = np.linspace(_UNIPC_FIRST_SIGMA, 0, steps + 1)[:-1]
    # Annotated as a list there, and computed with as the array that it must be.
    scheduler.set_timesteps(sigmas=sigmas, device=device)  # pyright: ignore[reportArgumentType]
    scheduler.set_begin_index(0)
    return DiffusersSolver(scheduler, scheduler.timesteps, scheduler.sigmas)


def _make_dpmpp(steps: int, shift: float, device: torch.device) -> Solver:
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
    sigmas = shift_sigmas(np.linspace(1, 0, steps + 1)[:-1], shift)
    scheduler.timesteps = torch.from_numpy(sigmas * TRAINING_STEPS).to(device=device, dtype=torch.int64)
    scheduler.sigmas = torch.from_numpy(np.append(sigmas, 0.0).astype(np.float32))
    scheduler.num_inference_steps = steps
    scheduler.set_begin_index(0)
    return DiffusersSolver(scheduler, scheduler.timesteps, scheduler.sigmas)


def _make_euler(steps: int, shift: float, device: torch.device) -> Solver:
    sigmas = shift_sigmas(np.linspace(1, 0, steps + 1), shift)
    exact = torch.from_numpy(sigmas.astype(np.float32))
    return EulerSolver((exact[:-1] * TRAINING_STEPS).to(device), exact)


SOLVERS: dict[str, Callable[[int, float, torch.device], Solver]] = {
    "unipc": _make_unipc,
    "dpmpp": _make_dpmpp,
    "euler": _make_euler,
}
