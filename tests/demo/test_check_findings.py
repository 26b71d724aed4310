"""The page's sentences held against the truth."""

import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np

from demo.check_findings import SEEN, TRUE, agree
from s2v_runner.findings.observations import Observation

SWEPT = ("sampler.steps", "base_seed")
STEPS, SEEDS = (4, 8, 16), range(0, 8000, 1000)


def points(seen: Callable[[int], float], true: Callable[[int], float]) -> list[Observation]:
    """Points whose metrics depend on the steps, and a little on chance."""
    rng = np.random.default_rng(0)
    return [
        Observation(
            number,
            {"sampler.steps": steps, "base_seed": seed},
            {SEEN: seen(steps) + rng.normal(0, 0.003), TRUE: true(steps) + rng.normal(0, 0.003)},
        )
        for number, (steps, seed) in enumerate(product(STEPS, SEEDS), 1)
    ]


def test_what_rises_for_both_agrees():
    agreement = agree(SWEPT, points(lambda steps: steps / 20, lambda steps: steps / 40))
    assert agreement.videos == 24
    assert agreement.correlation > 0.99
    assert agreement.claims
    assert agreement.opposites == 0
    assert {claim["agreement"] for claim in agreement.claims} == {"same"}


def test_what_rises_for_one_and_falls_for_the_other_is_opposite():
    agreement = agree(SWEPT, points(lambda steps: steps / 20, lambda steps: -steps / 20))
    assert agreement.correlation < -0.99
    assert agreement.opposites == len(agreement.claims) > 0


def test_what_only_one_of_them_shows_is_said_to_be_so():
    agreement = agree(SWEPT, points(lambda steps: steps / 20, lambda steps: 0.5))
    assert agreement.opposites == 0
    assert {claim["agreement"] for claim in agreement.claims} == {"one only"}


def test_a_folder_that_is_no_sweep_is_said_in_a_line(tmp_path: Path):
    command = [sys.executable, "-m", "demo.check_findings", str(tmp_path)]
    result = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.strip().count("\n") == 0
    assert "there is no sweep.json in it" in result.stderr
