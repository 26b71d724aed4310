"""What is kept of an exact trajectory: how its velocities lie to each other, and how much they change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from s2v_runner.transformer import S2VTransformer

# Without guidance the difference is nothing, and so is its change.
_SHORTEST = 1e-12


@dataclass(frozen=True)
class Trajectory:
    """One clip of n steps."""

    velocities: np.ndarray
    """Inner products of the velocities that were followed, float64 [n, n]: they give the length of any mixture."""
    differences: np.ndarray
    """Those of the differences c − u that guidance amplifies; zeros where there is no guidance."""
    changes: dict[str, list[float]]
    """Of `conditioned`, `unconditioned` and `difference`: how much each step's differs from the last step's, as a share
    of its length; 0 at the first step."""
    guidance: list[float]
    """The length of the difference as a share of the conditioned velocity's, by step."""


class Recorder:
    """Listens to a transformer through exact clips. What it hears of one clip waits in main memory until its end."""

    def __init__(self, guide_scale: float) -> None:
        self._scale = guide_scale
        self._heard: list[torch.Tensor] = []
        self._steps: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.trajectories: list[Trajectory] = []

    def step(self, clip: int, done: int, steps: int) -> None:
        """To be told after each step, as `Watch.step` is."""
        assert len(self._heard) == (2 if self._scale > 1 else 1), "the passes of an exact step"
        # The conditioned branch is asked first.
        conditioned, unconditioned = self._heard[0], self._heard[-1]
        self._steps.append((conditioned, unconditioned))
        self._heard = []
        if done == steps:
            self.trajectories.append(_summarise(self._steps, self._scale))
            self._steps = []

    @contextmanager
    def listening(self, transformer: S2VTransformer) -> Iterator[None]:
        """Hear every pass."""
        handle = transformer.register_forward_hook(self._hear)
        try:
            yield
        finally:
            handle.remove()

    def _hear(self, _transformer: torch.nn.Module, _given: object, velocity: torch.Tensor) -> None:
        self._heard.append(velocity.to("cpu", torch.float32))


def _summarise(steps: list[tuple[torch.Tensor, torch.Tensor]], scale: float) -> Trajectory:
    conditioned = [one for one, _ in steps]
    unconditioned = [other for _, other in steps]
    differences = [one - other for one, other in steps]
    velocities = [one + (scale - 1) * difference for one, difference in zip(conditioned, differences, strict=True)]
    lengths = [float(one.norm()) for one in conditioned]
    return Trajectory(
        velocities=_inner_products(velocities),
        differences=_inner_products(differences),
        changes={
            "conditioned": _changes(conditioned),
            "unconditioned": _changes(unconditioned),
            "difference": _changes(differences),
        },
        guidance=[float(difference.norm()) / length for difference, length in zip(differences, lengths, strict=True)],
    )


def _inner_products(values: list[torch.Tensor]) -> np.ndarray:
    """Of each with each, float64: what is wanted of them is small differences between large numbers."""
    products = np.zeros((len(values), len(values)))
    for row, one in enumerate(values):
        # A row at a time, so that only two of them are held in doubles.
        wide = one.flatten().double()
        for column in range(row + 1):
            products[row, column] = products[column, row] = float(wide @ values[column].flatten().double())
    return products


def _changes(values: list[torch.Tensor]) -> list[float]:
    return [0.0, *(float((new - old).norm() / new.norm().clamp(min=_SHORTEST)) for old, new in pairwise(values))]
