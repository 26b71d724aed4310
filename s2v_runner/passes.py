"""Which passes of the transformer a run makes: known before anything is loaded.

Exact sampling asks both branches of guidance at every step of the schedule. What is left out of that here:

- guidance outside an interval of noise: Kynkäänniemi et al., 2024, "Applying Guidance in a Limited Interval Improves
  Sample and Distribution Quality in Diffusion Models";
- the unconditioned branch at steps between: the difference of the branches is kept for a few steps;
- whole steps: the solver reaches over them from the taken one before, as it would with fewer steps. Which ones may be
  chosen by where the velocity changes (`calibration/`), so that the rest are not spread evenly.
"""

from collections.abc import Sequence

import numpy as np

from s2v_runner.errors import InputError
from s2v_runner.records import Economy, Pass, Request

UNIPC_FIRST_SIGMA = float(np.float32(0.999))
"""UniPC never sees σ = 1 in the original: its schedule starts at the float32 nearest to 1 − 1/1000."""

_BRANCHES: dict[Pass, int] = {"guided": 2, "reused": 1, "conditioned": 1, "merged": 0}


def plan_passes(request: Request, shift: float) -> tuple[Pass, ...]:
    """What is asked of the transformer at each step."""
    sigmas = noise_levels(request.solver, request.steps, shift)
    taken = set(choose_steps(sigmas, request.economy))
    passes: list[Pass] = []
    guided = 0
    for index, sigma in enumerate(sigmas):
        if index not in taken:
            passes.append("merged")
        elif request.guide_scale <= 1 or not request.economy.guidance_from <= sigma <= request.economy.guidance_to:
            passes.append("conditioned")
        else:
            passes.append("reused" if guided % request.economy.guidance_every else "guided")
            guided += 1
    return tuple(passes)


def count_passes(passes: Sequence[Pass]) -> int:
    """Passes of the transformer over one clip."""
    return sum(_BRANCHES[asked] for asked in passes)


def exact_passes(steps: int, guide_scale: float) -> int:
    """Passes over one clip when none is left out. A scale of at most 1 asks for no guidance."""
    return steps * (2 if guide_scale > 1 else 1)


def noise_levels(solver: str, steps: int, shift: float) -> np.ndarray:
    """The share of noise before each step, float64 [steps]; what the solvers are given."""
    first = UNIPC_FIRST_SIGMA if solver == "unipc" else 1.0
    return shift_sigmas(np.linspace(first, 0, steps + 1)[:-1], shift)


def shift_sigmas(sigmas: np.ndarray, shift: float) -> np.ndarray:
    """Move a schedule towards noise: s·σ / (1 + (s − 1)·σ). Source: SD3 (Esser et al., 2024), as Wan uses it."""
    return shift * sigmas / (1 + (shift - 1) * sigmas)


def choose_steps(sigmas: np.ndarray, economy: Economy) -> list[int]:
    """The steps that are taken, in order; the first is always among them."""
    steps = len(sigmas)
    count = max(1, round(steps * economy.step_share))
    ranks = np.arange(count) / count
    if economy.levels is None:
        return [int(rank * steps + 0.5) for rank in ranks]
    wanted = np.interp(ranks, np.linspace(0, 1, len(economy.levels)), np.array(economy.levels))
    return _nearest_steps(sigmas, wanted)


def _nearest_steps(sigmas: np.ndarray, wanted: np.ndarray) -> list[int]:
    """For each wanted level the step nearest to it, no step twice."""
    last, chosen = -1, []
    for number, level in enumerate(wanted):
        # Enough are left for the levels that come after.
        end = len(sigmas) - (len(wanted) - number - 1)
        nearest = int(np.abs(sigmas[last + 1 : end] - level).argmin()) + last + 1
        last = nearest if number else 0
        chosen.append(last)
    return chosen


def check_economy(economy: Economy) -> None:
    """Raises InputError that names the setting."""
    low, high = economy.guidance_from, economy.guidance_to
    for name, value in (("guidance_from", low), ("guidance_to", high)):
        if not 0 <= value <= 1:
            raise InputError(
                f"speed.{name}={value:g}", "a share of noise is between 0 and 1", "0 and 1 guide all the way"
            )
    if low > high:
        problem = f"it is above speed.guidance_to={high:g}"
        raise InputError(f"speed.guidance_from={low:g}", problem, "sampler.guide_scale=1 makes no guidance at all")
    if economy.guidance_every < 1:
        raise InputError(
            f"speed.guidance_every={economy.guidance_every}", "it counts steps", "1 asks both branches at every step"
        )
    if not 0 < economy.step_share <= 1:
        raise InputError(
            f"speed.step_share={economy.step_share:g}", "a share of the steps is above 0 and at most 1", "1 is all"
        )
