import numpy as np
import pytest

from s2v_runner.metrics.defects import DefectGauge
from s2v_runner.metrics.faces import FixedFace
from s2v_runner.metrics.observer import Observer
from tests.metrics.footage import FACE, draw_texture, plain, show, value_of

LIVE = [draw_texture(32, 32, seed) for seed in range(10)]


def dead_share(frames: list[np.ndarray]) -> float:
    return value_of(show(DefectGauge(), frames), "dead_frames")


def test_frames_that_live_are_not_dead():
    assert dead_share(LIVE) == 0
    assert dead_share(LIVE[:1]) == 0


def test_black_frames_are_counted():
    assert dead_share([*LIVE[:8], plain(0, 32, 32), LIVE[9]]) == 10
    assert dead_share([plain(16, 32, 32)]) == 100
    almost = plain(0, 32, 32)
    almost[:2] = 200
    assert dead_share([almost]) == 0


def test_frames_that_are_the_one_before_are_counted():
    assert dead_share([LIVE[0], LIVE[0], LIVE[1], LIVE[1], LIVE[2]]) == 40
    trembling = LIVE[0].copy()
    trembling[0, 0] += 1
    assert dead_share([LIVE[0], trembling]) == 50
    assert dead_share([LIVE[0], LIVE[0] + 1]) == 0


def test_frames_that_were_no_numbers_are_counted():
    observer, gauge = Observer(FixedFace(FACE)), DefectGauge()
    for index, frame in enumerate(LIVE):
        gauge.take(observer.see(frame, 0, index not in (3, 4)))
    assert value_of(gauge.read(), "dead_frames") == 20


def test_a_frame_that_is_dead_in_several_ways_is_one():
    observer, gauge = Observer(FixedFace(FACE)), DefectGauge()
    for _ in range(4):
        gauge.take(observer.see(plain(0, 32, 32), 0, False))
    assert value_of(gauge.read(), "dead_frames") == 100


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (16, 16)])
def test_tiny_frames_are_counted_too(shape: tuple[int, int]):
    assert dead_share([plain(100, *shape), plain(100, *shape)]) == 50
