"""Which steps to take of a schedule: those from which the rest can be bridged best.

A solver that takes step j after step i follows, between the two, the polynomial through the velocities at i, at j and
at the step taken before i, as UniPC's predictor and corrector of second order do. How far what that adds to the latents
is from what all the steps between would add is known from the inner products of an exact trajectory's velocities alone.
The steps are chosen so that the sum of the squares of these errors is least, by dynamic programming over the last two
taken. That a solver's steps can be chosen for a model is from Align Your Steps (Sabour et al., 2024); these errors and
this search are the project's own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_START = -1


@dataclass(frozen=True)
class Choice:
    """Steps to take, and what that costs by estimate."""

    steps: tuple[int, ...]
    error: float
    """The sum of the errors of its strides as a share of the end latents' length: what they can come to together where
    none makes up for another, and none grows on the way."""


def choose_best(
    sigmas: np.ndarray, products: Sequence[np.ndarray], lengths: Sequence[float], most: int
) -> dict[int, Choice]:
    """The best choice of 1, 2, … `most` steps.

    `sigmas` [n + 1] ends with 0; `products` [n, n] are the inner products of each trajectory's velocities, `lengths`
    those of the latents that it ended in.
    """
    strides = _Strides(sigmas, products, lengths)
    steps = len(sigmas) - 1
    errors = {
        (before, first, last): strides.error(before, first, last)
        for first in range(steps)
        for before in (range(first) if first else (_START,))
        for last in range(first + 1, steps + 1)
    }
    chosen: dict[int, Choice] = {}
    # By the last two steps taken: the least sum of squares so far, and the steps.
    best: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {(_START, 0): (0.0, (0,))}
    for count in range(1, most + 1):
        ends = [(square + errors[before, last, steps] ** 2, path) for (before, last), (square, path) in best.items()]
        path = min(ends)[1]
        chosen[count] = Choice(path, sum(errors[stride] for stride in _strides_of(path, steps)))
        longer: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {}
        for (before, last), (square, path) in best.items():
            for following in range(last + 1, steps):
                total = square + errors[before, last, following] ** 2
                if total < longer.get((last, following), (np.inf,))[0]:
                    longer[last, following] = total, (*path, following)
        best = longer
    return chosen


def error_of(
    path: Sequence[int], sigmas: np.ndarray, products: Sequence[np.ndarray], lengths: Sequence[float]
) -> float:
    """What `Choice.error` is, for any steps."""
    strides = _Strides(sigmas, products, lengths)
    return sum(strides.error(*stride) for stride in _strides_of(path, len(sigmas) - 1))


def _strides_of(path: Sequence[int], steps: int) -> list[tuple[int, int, int]]:
    """Each stride of a path: the step taken before it, its beginning and its end."""
    return list(zip((_START, *path), path, (*path[1:], steps), strict=False))


class _Strides:
    """The errors of strides over a schedule."""

    def __init__(self, sigmas: np.ndarray, products: Sequence[np.ndarray], lengths: Sequence[float]) -> None:
        self._sigmas = sigmas
        self._products = products
        self._lengths = lengths
        steps = len(sigmas) - 1
        single = [self._weights(step - 1, step, step + 1) for step in range(steps)]
        # What every step up to one adds.
        self._fine = np.concatenate((np.zeros((1, steps)), np.cumsum(single, axis=0)))

    def error(self, before: int, first: int, last: int) -> float:
        """How far a stride is from all the steps between, a share of the end latents; its root mean square."""
        weights = self._weights(before, first, last) - (self._fine[last] - self._fine[first])
        squares = [
            max(0.0, float(weights @ product @ weights)) / length**2
            for product, length in zip(self._products, self._lengths, strict=True)
        ]
        return math.sqrt(sum(squares) / len(squares))

    def _weights(self, before: int, first: int, last: int) -> np.ndarray:
        """What a stride adds to the latents, as weights of the velocities. None is known before the first step, nor at
        the very end."""
        nodes = [node for node in (before, first, last) if 0 <= node < len(self._sigmas) - 1]
        weights = np.zeros(len(self._sigmas) - 1)
        weights[nodes] = _integral_weights(self._sigmas[nodes], self._sigmas[first], self._sigmas[last])
        return weights


def _integral_weights(nodes: np.ndarray, begin: float, end: float) -> np.ndarray:
    """The integral from `begin` to `end` of the polynomial through values at the nodes, as weights of the values."""
    # In the stride's own measure, so that the powers stay near 1.
    width = end - begin
    places = (nodes - begin) / width
    powers = np.vander(places, increasing=True).T
    moments = 1 / np.arange(1, len(nodes) + 1)
    return width * np.linalg.solve(powers, moments)
