import cv2
import numpy as np
import pytest

from s2v_runner.metrics.detail import DetailGauge, measure_detail
from tests.metrics.footage import draw_texture, plain, show, value_of, with_noise

SIDE = 160
GROUNDS = {"plain": plain(120, SIDE, SIDE), "textured": draw_texture(SIDE, SIDE)}


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("strength", [1, 2, 4, 8, 16])
def test_planted_noise_is_found(ground: str, strength: float):
    _, noise = measure_detail(with_noise(GROUNDS[ground], strength, 1)[..., 0])
    assert noise == pytest.approx(strength, rel=0.2)


def test_a_picture_without_noise_has_next_to_none():
    assert measure_detail(GROUNDS["plain"][..., 0]) == (0, 0)
    assert measure_detail(GROUNDS["textured"][..., 0])[1] < 0.5


def test_blur_takes_sharpness_away():
    luma = GROUNDS["textured"][..., 0]
    sharpness = [measure_detail(cv2.GaussianBlur(luma, (0, 0), radius))[0] for radius in (0.1, 0.5, 1, 2, 4)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[-1] < 0.5 * sharpness[0]


@pytest.mark.parametrize("strength", [1, 4, 16])
def test_noise_is_not_taken_for_sharpness(strength: float):
    sharp, _ = measure_detail(GROUNDS["textured"][..., 0])
    noisy, _ = measure_detail(with_noise(GROUNDS["textured"], strength, 2)[..., 0])
    assert noisy == pytest.approx(sharp, rel=0.05)
    on_plain, _ = measure_detail(with_noise(GROUNDS["plain"], strength, 2)[..., 0])
    assert on_plain < 0.2 * strength


@pytest.mark.parametrize("slope", [1, 3])
def test_sharpness_is_in_levels_a_pixel(slope: int):
    ramp = np.tile(np.arange(60) * slope, (40, 1)).astype(np.uint8)
    sharpness, noise = measure_detail(ramp)
    assert sharpness == pytest.approx(slope, rel=0.01)
    assert noise == 0


def test_over_a_video_the_mean_counts():
    frames = [with_noise(GROUNDS["plain"], strength, 3) for strength in (2, 6)]
    alone = [value_of(show(DetailGauge(), [frame]), "noise") for frame in frames]
    assert value_of(show(DetailGauge(), frames), "noise") == pytest.approx(np.mean(alone))


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (7, 100)])
def test_frames_of_a_few_pixels_have_no_detail(shape: tuple[int, int]):
    measures = show(DetailGauge(), [plain(50, *shape)])
    assert {measure.reason for measure in measures.values()} == {"its frames have fewer than 8 rows or columns"}


@pytest.mark.parametrize("shape", [(8, 8), (8, 100), (16, 16)])
def test_a_few_pixels_more_are_enough(shape: tuple[int, int]):
    measures = show(DetailGauge(), [plain(50, *shape)])
    assert {measure.value for measure in measures.values()} == {0}
