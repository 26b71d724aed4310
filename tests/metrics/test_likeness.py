import math

import numpy as np
import pytest

from s2v_runner.metrics.likeness import WINDOW, psnr, squared_error, ssim

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
RANDOM = np.random.default_rng(0)


def noise(height: int, width: int) -> np.ndarray:
    return RANDOM.uniform(0, 255, (height, width)).astype(np.float32)


def naive_ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Window by window, as the paper has it, in double precision."""
    axis = np.arange(11) - 5
    weights = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    values = []
    for top in range(one.shape[0] - 10):
        for left in range(one.shape[1] - 10):
            x, y = (picture[top : top + 11, left : left + 11].astype(np.float64) for picture in (one, other))
            mean_x, mean_y = (weights * x).sum(), (weights * y).sum()
            variance_x, variance_y = (weights * (x - mean_x) ** 2).sum(), (weights * (y - mean_y) ** 2).sum()
            covariance = (weights * (x - mean_x) * (y - mean_y)).sum()
            luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
            values.append(luminance * (2 * covariance + C2) / (variance_x + variance_y + C2))
    return float(np.mean(values))


@pytest.mark.parametrize(("height", "width"), [(11, 11), (12, 50), (42, 43), (75, 53)])
@pytest.mark.parametrize("strength", [0.05, 0.5, 1.0])
def test_ssim_is_that_of_the_paper(height: int, width: int, strength: float):
    rows, columns = np.mgrid[0:height, 0:width]
    one = (120 + 60 * np.sin(rows / 5) + 40 * np.cos(columns / 7)).astype(np.float32)
    other = (one + strength * (noise(height, width) - 100)).astype(np.float32)
    assert ssim(one, other) == pytest.approx(naive_ssim(one, other), abs=2e-5)


def test_ssim_of_plain_pictures_is_that_of_their_means():
    black, white = np.zeros((30, 40), np.float32), np.full((30, 40), 255, np.float32)
    assert ssim(black, white) == pytest.approx(C1 / (255**2 + C1), abs=1e-5)
    assert ssim(white / 2, white) == pytest.approx((255**2 + C1) / (1.25 * 255**2 + C1), abs=1e-4)


def test_ssim_of_the_same_is_one_and_of_the_opposite_negative():
    picture = noise(64, 48)
    assert ssim(picture, picture) == pytest.approx(1, abs=1e-6)
    assert ssim(picture, 255 - picture) < -0.9


def test_ssim_sees_no_smaller_picture_than_its_window():
    assert WINDOW == 11


def test_squared_errors_are_summed_exactly():
    one = np.zeros((50, 60, 3), np.uint8)
    other = one.copy()
    other[3, 4] = (255, 0, 1)
    other[5, 6] = (0, 16, 0)
    assert squared_error(one, other) == 255**2 + 1 + 16**2
    assert squared_error(other, one) == squared_error(one, other)
    assert squared_error(one, np.full_like(one, 255)) == pytest.approx(one.size * 255**2, rel=1e-5)


def test_psnr_of_an_error_that_is_known():
    assert psnr(1.0) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(255**2) == 0
    assert psnr(0) == math.inf
