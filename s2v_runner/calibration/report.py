"""What was measured of exact trajectories, in numbers and in lines for the person."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from s2v_runner.calibration.choice import Choice, error_of
from s2v_runner.calibration.trajectory import Trajectory
from s2v_runner.passes import choose_steps
from s2v_runner.records import EVERY_PASS, Economy

_EVERY = (2, 3, 4)
_LISTED = 12
_DIGITS = 5


def make_report(
    sigmas: np.ndarray,
    trajectories: Sequence[Trajectory],
    lengths: Sequence[float],
    guide_scales: Sequence[float],
    choices: Mapping[int, Choice],
    chosen: Choice,
) -> dict[str, Any]:
    """The profile by step, what fewer steps cost, and what saved guidance costs on top of the chosen steps.

    Errors are estimates, as shares of the end latents' length; `guide_scales` are those of the trajectories.
    """
    products = [each.velocities for each in trajectories]
    saved = _Saved(sigmas, trajectories, lengths, guide_scales, chosen.steps)
    return {
        "trajectories": len(trajectories),
        "profile": _profile(sigmas, trajectories),
        "steps": [
            {
                "steps": count,
                "error": _rounded(choice.error),
                "error_evenly": _rounded(error_of(_evenly(sigmas, count), sigmas, products, lengths)),
            }
            for count, choice in choices.items()
        ],
        "chosen": {"steps": list(chosen.steps), "error": _rounded(chosen.error)},
        "guidance_every": {str(every): _rounded(saved.by_reuse(every)) for every in _EVERY},
        "without_guidance": [_rounded(cost) for cost in saved.by_step()],
    }


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """The parts of it that a choice rests on."""
    rows = report["steps"]
    stride = max(1, round(len(rows) / _LISTED))
    lines = ["steps taken   error by estimate: as chosen, evenly"]
    lines += [f"{row['steps']:>11}   {row['error']:.3f}  {row['error_evenly']:.3f}" for row in rows[::-stride]]
    reuse = ", ".join(f"{every}: {cost:.3f}" for every, cost in report["guidance_every"].items())
    return [*lines, f"kept differences add at most, by speed.guidance_every, {reuse}"]


def _profile(sigmas: np.ndarray, trajectories: Sequence[Trajectory]) -> list[dict[str, float]]:
    """How much everything changes from step to step, the mean over the trajectories."""
    means = {name: np.mean([each.changes[name] for each in trajectories], axis=0) for name in trajectories[0].changes}
    means["guidance"] = np.mean([each.guidance for each in trajectories], axis=0)
    return [
        {"sigma": _rounded(sigmas[step]), **{name: _rounded(values[step]) for name, values in means.items()}}
        for step in range(len(sigmas) - 1)
    ]


class _Saved:
    """What passes of the unconditioned branch are worth on the steps that are taken."""

    def __init__(
        self,
        sigmas: np.ndarray,
        trajectories: Sequence[Trajectory],
        lengths: Sequence[float],
        guide_scales: Sequence[float],
        path: Sequence[int],
    ) -> None:
        self._path = path
        ends = [*path[1:], len(sigmas) - 1]
        self._widths = [float(sigmas[step] - sigmas[end]) for step, end in zip(path, ends, strict=True)]
        self._trajectories = list(zip(trajectories, lengths, guide_scales, strict=True))

    def by_reuse(self, every: int) -> float:
        """The most that keeping the difference of every n-th step changes the end latents."""
        cost = 0.0
        for number, (step, width) in enumerate(zip(self._path, self._widths, strict=True)):
            kept = self._path[number - number % every]
            cost += width * self._length(lambda products, step=step, kept=kept: _distance(products, step, kept))
        return cost

    def by_step(self) -> list[float]:
        """By step taken, the most that going without guidance there changes the end latents."""
        pairs = zip(self._path, self._widths, strict=True)
        return [
            width * self._length(lambda products, step=step: float(np.sqrt(products[step, step])))
            for step, width in pairs
        ]

    def _length(self, measure: Any) -> float:
        """Of a mixture of differences, as it is amplified, as a share of the end latents; over the trajectories."""
        shares = [
            (scale - 1) * measure(each.differences) / length for each, length, scale in self._trajectories if scale > 1
        ]
        return float(np.sqrt(np.mean(np.square(shares)))) if shares else 0.0


def _distance(products: np.ndarray, one: int, other: int) -> float:
    return float(np.sqrt(max(0.0, products[one, one] + products[other, other] - 2 * products[one, other])))


def _evenly(sigmas: np.ndarray, count: int) -> list[int]:
    steps = len(sigmas) - 1
    return choose_steps(sigmas[:-1], Economy(**{**vars(EVERY_PASS), "step_share": count / steps}))


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
