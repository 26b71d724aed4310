"""Which readings mean that lips are closed, or that a head nods, turns or smiles: read off drawn people, once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.measures import OPEN, show_of_acts, split_at

CASES = 40


@dataclass(frozen=True)
class Thresholds:
    """Of the readings; where they lie best between what is so and what is not, on drawn truth."""

    closed: float
    """Of the opening, at most."""
    nod: float
    turn: float
    """Of the turn to either side."""
    smile: float


def draw_calibration_cases() -> list[Case]:
    """People of their own, each of whom does one thing."""
    return draw_cases(POOLS["calibration"], GROUPS["acted"], CASES, 0)


def find_thresholds(cases: Sequence[Case], readings: Sequence[dict[str, np.ndarray]]) -> Thresholds:
    """From drawn cases and what was read of them.

    Closed: the lowest reading of the three frames about each closure of p, b and m, against that of the three frames
    about each frame that is open in truth, as are its neighbours.
    """
    shows = [show_of_acts(read) for read in readings]
    acts = np.array([case.act for case in cases])
    closed, open_ = [], []
    for case, read in zip(cases, readings, strict=True):
        lowest = _lowest_of_three(read["opening"])
        closed.append(lowest[case.closed])
        open_.append(lowest[_lowest_of_three(case.performance.opening[0].numpy()) >= OPEN])

    def split(name: str, shown: np.ndarray) -> float:
        strengths = np.array([abs(show[name]) for show in shows])
        return split_at(strengths[shown], strengths[~shown])

    return Thresholds(
        closed=-split_at(-np.concatenate(closed), -np.concatenate(open_)),
        nod=split("nod", acts == "nod"),
        turn=split("turn", np.isin(acts, ("left", "right"))),
        smile=split("smile", acts == "smile"),
    )


def _lowest_of_three(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    return np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
