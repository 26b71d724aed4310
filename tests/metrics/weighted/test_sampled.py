"""Which frames are looked at."""

import numpy as np
import pytest

from s2v_runner.metrics.views import View
from s2v_runner.metrics.weighted.sampled import SampledMean, is_looked_at
from tests.metrics.weighted.videos import show


class Brightness(SampledMean):
    def _judge(self, view: View) -> float | None:
        level = float(view.rgb[0, 0, 0])
        return level if level else None


def frames(*levels: int) -> list[np.ndarray]:
    return [np.full((2, 2, 3), level, np.uint8) for level in levels]


@pytest.mark.parametrize(
    ("fps", "looked_at"),
    [(16, [0, 4, 8, 12, 16]), (25, [0, 7, 13, 19]), (4, list(range(20))), (2, list(range(20)))],
)
def test_four_frames_a_second_are_looked_at(fps: float, looked_at: list[int]):
    assert [index for index in range(20) if is_looked_at(index, fps)] == looked_at


def test_the_mean_is_over_what_could_be_judged():
    gauge = Brightness("lpips", 16, "nothing")
    assert show(gauge, frames(10, 99, 99, 99, 0, 99, 99, 99, 40), None)["lpips"].value == 25


def test_nothing_judged_is_not_known():
    assert show(Brightness("lpips", 16, "nothing"), frames(0, 0), None)["lpips"].reason == "nothing"


def test_what_is_not_finite_is_not_known():
    class Broken(SampledMean):
        def _judge(self, view: View) -> float:
            return float("nan")

    reason = show(Broken("lpips", 16, "nothing"), frames(1), None)["lpips"].reason
    assert reason == "the network gave numbers that are not finite"
