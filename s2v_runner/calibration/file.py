"""The file that `s2v-runner calibrate` writes and `speed.calibration` takes. Nothing heavy is imported."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from s2v_runner.errors import InputError
from s2v_runner.records import Request
from s2v_runner.tracking.record import write_atomically

FORMAT = 1
# How far from what was measured it is used: twice or half the steps, one and a half times the guidance.
_STEPS_REACH, _GUIDANCE_REACH = 2.0, 1.5
_ANEW = "Calibrate anew with these settings, or give speed.calibration=null, which takes the steps evenly"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Where the velocity changes along the trajectories of one checkpoint."""

    format: int
    checkpoint: str
    """The digest of the weights it was measured on."""
    solver: str
    steps: int
    """Of the exact trajectories."""
    guide_scales: tuple[float, ...]
    """With which they were made."""
    levels: tuple[float, ...]
    """Shares of noise, falling from the first step's to 0, between which equally many steps are to be taken."""
    step_share: float
    """The share of steps that these levels were chosen for."""
    report: Mapping[str, Any]
    """What was measured: for people."""


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Raises OutputError."""
    write_atomically(path, json.dumps(asdict(calibration), indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Raises InputError for a file that is missing or is no calibration."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refuse(path, f"it cannot be read ({error})", "Give a file that `s2v-runner calibrate` made") from error
    try:
        calibration = Calibration(
            **{
                **content,
                "levels": tuple(float(level) for level in content["levels"]),
                "guide_scales": tuple(float(scale) for scale in content["guide_scales"]),
            }
        )
    except (TypeError, ValueError, KeyError) as error:
        raise _refuse(path, "it is no calibration", "Give a file that `s2v-runner calibrate` made") from error
    if calibration.format != FORMAT:
        raise _refuse(path, f"it has format {calibration.format}, and {FORMAT} is understood", "Calibrate anew")
    levels = calibration.levels
    falls = all(one > other for one, other in pairwise(levels))
    in_range = len(levels) >= 2 and falls and 0 <= levels[-1] <= levels[0] <= 1
    if not in_range or not calibration.guide_scales or not isinstance(calibration.steps, int):
        raise _refuse(path, "it is damaged", "Calibrate anew")
    return calibration


def check_calibration(path: Path, checkpoint_digest: str, request: Request) -> None:
    """Raises InputError where a run is not one that the calibration holds for."""
    calibration = read_calibration(path)
    if calibration.checkpoint != checkpoint_digest:
        raise _refuse(path, "it was measured on other weights", _ANEW)
    if calibration.solver != request.solver:
        raise _refuse(path, f"it was measured with {calibration.solver}, and the sampler is {request.solver}", _ANEW)
    if not calibration.steps / _STEPS_REACH <= request.steps <= calibration.steps * _STEPS_REACH:
        problem = f"it was measured with {calibration.steps} steps, which holds for half to twice as many"
        raise _refuse(path, f"{problem}, and sampler.steps={request.steps}", _ANEW)
    low = min(calibration.guide_scales) / _GUIDANCE_REACH
    high = max(calibration.guide_scales) * _GUIDANCE_REACH
    if not low <= request.guide_scale <= high:
        problem = f"it holds for a guidance of {low:g} to {high:g}, and sampler.guide_scale={request.guide_scale:g}"
        raise _refuse(path, problem, _ANEW)


def _refuse(path: Path, problem: str, remedy: str) -> InputError:
    return InputError(f"speed.calibration={path}", problem, remedy)
