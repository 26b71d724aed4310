from itertools import combinations

import numpy as np
import pytest

from s2v_runner.calibration.choice import choose_best, error_of
from s2v_runner.passes import noise_levels

STEPS = 9
SIGMAS = np.append(noise_levels("unipc", STEPS, 3.0), 0.0)


def products_of(velocities: np.ndarray) -> np.ndarray:
    return velocities @ velocities.T


def bent(seed: int) -> np.ndarray:
    """Velocities that change at random from step to step, [n, 5]."""
    return np.random.default_rng(seed).normal(size=(STEPS, 5)).cumsum(axis=0)


def test_every_step_is_no_error_and_neither_are_velocities_that_stay():
    assert error_of(range(STEPS), SIGMAS, [products_of(bent(0))], [1.0]) == pytest.approx(0, abs=1e-6)
    constant = np.ones((STEPS, 3))
    for path in ((0,), (0, 5), (0, 1, 2, 7)):
        assert error_of(path, SIGMAS, [products_of(constant)], [1.0]) == pytest.approx(0, abs=1e-6)


def test_velocities_along_a_line_cost_nothing_once_two_are_known():
    line = np.stack((SIGMAS[:-1], 2 - SIGMAS[:-1]), axis=1)
    for path in ((0, 3, 8), (0, 1), (0, 4, 5)):
        assert error_of(path, SIGMAS, [products_of(line)], [1.0]) == pytest.approx(0, abs=1e-6)
    assert error_of((0,), SIGMAS, [products_of(line)], [1.0]) > 0.1


def test_an_error_is_the_distance_between_what_is_added():
    velocities = bent(0)
    # Between the steps 2 and 4, after step 0: by the parabola through three of them, against two of single steps.
    parabola = added(velocities, (0, 2, 4), 2, 4)
    fine = added(velocities, (1, 2, 3), 2, 3) + added(velocities, (2, 3, 4), 3, 4)
    path = (0, 2, 4, *range(5, STEPS))
    first = added(velocities, (0, 2), 0, 2) - added(velocities, (0, 1), 0, 1) - added(velocities, (0, 1, 2), 1, 2)
    after = added(velocities, (2, 4, 5), 4, 5) - added(velocities, (3, 4, 5), 4, 5)
    expected = sum(np.linalg.norm(part) for part in (first, parabola - fine, after)) / 7.0
    assert error_of(path, SIGMAS, [products_of(velocities)], [7.0]) == pytest.approx(expected)


def added(velocities: np.ndarray, nodes: tuple[int, ...], first: int, last: int) -> np.ndarray:
    """The integral between two steps of the polynomial through the velocities at the nodes."""
    curves = np.polyfit(SIGMAS[list(nodes)], velocities[list(nodes)], len(nodes) - 1)
    integrals = [np.poly1d(curve).integ() for curve in curves.T]
    return np.array([integral(SIGMAS[last]) - integral(SIGMAS[first]) for integral in integrals])


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 9])
def test_no_other_steps_have_a_smaller_sum_of_squares(count: int):
    products, lengths = [products_of(bent(seed)) for seed in (1, 2)], [3.0, 5.0]
    chosen = choose_best(SIGMAS, products, lengths, STEPS)[count]

    def squares(path: tuple[int, ...]) -> float:
        # Of each stride alone: what two paths share of their strides is the same.
        ends = (*path[1:], STEPS)
        total = 0.0
        for number in range(len(path)):
            before = path[number - 1] if number else None
            total += stride(before, path[number], ends[number], products, lengths) ** 2
        return total

    assert len(chosen.steps) == count
    paths = [(0, *rest) for rest in combinations(range(1, STEPS), count - 1)]
    assert squares(chosen.steps) == pytest.approx(min(map(squares, paths)))
    assert chosen.error == pytest.approx(error_of(chosen.steps, SIGMAS, products, lengths))


def stride(before: int | None, first: int, last: int, products: list[np.ndarray], lengths: list[float]) -> float:
    """One stride's error, by integrating the polynomial itself."""
    unit = np.eye(STEPS)
    weights = added(unit, known(before, first, last), first, last)
    for step in range(first, last):
        weights -= added(unit, known(step - 1, step, step + 1), step, step + 1)
    shares = [weights @ product @ weights / length**2 for product, length in zip(products, lengths, strict=True)]
    return float(np.sqrt(np.mean(shares)))


def known(*nodes: int | None) -> tuple[int, ...]:
    return tuple(node for node in nodes if node is not None and 0 <= node < STEPS)


def test_steps_lie_where_the_velocity_changes():
    velocities = np.zeros((40, 2))
    sigmas = np.append(noise_levels("unipc", 40, 3.0), 0.0)
    # All of the change is between the steps 20 and 26.
    velocities[:, 0] = np.clip((np.arange(40) - 20) / 6, 0, 1)
    velocities[:, 1] = np.sin(velocities[:, 0] * 6)
    chosen = choose_best(sigmas, [products_of(velocities)], [1.0], 12)[12].steps
    assert sum(19 <= step <= 27 for step in chosen) >= 7
