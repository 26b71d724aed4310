"""How alike two videos are, frame by frame."""

import math

import numpy as np

PEAK = 255.0
# Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: Image quality assessment: from error visibility to structural
# similarity. IEEE Transactions on Image Processing 13 (4), 2004.
_SIGMA, _TAPS = 1.5, 11
_STEADY_MEAN, _STEADY_VARIANCE = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
WINDOW = _TAPS
"""Sides of the window that SSIM looks through."""
_BLOCK = 32
_MIDDLE = np.float32(PEAK / 2)


def squared_error(one: np.ndarray, other: np.ndarray) -> float:
    """Sum of the squared differences of two pictures of 8 bits."""
    difference = np.subtract(one, other, dtype=np.int16).astype(np.float32).ravel()
    return float(difference @ difference)


def psnr(mean_squared_error: float) -> float:
    """Peak signal to noise in dB; infinite where there is no error."""
    return math.inf if mean_squared_error == 0 else 10 * math.log10(PEAK**2 / mean_squared_error)


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of two pictures [rows, columns], float32, 0 … 255, no side shorter than WINDOW.

    The mean over all places where the whole window lies in the picture; its weights are a Gaussian's, σ = 1.5.
    """
    height, width = (side - WINDOW + 1 for side in one.shape)
    # A strip at a time, so that all that is made of it stays in the cache.
    strips = (slice(top, min(top + _BLOCK, height) + WINDOW - 1) for top in range(0, height, _BLOCK))
    return sum(_sum_of_strip(one[rows], other[rows]) for rows in strips) / (height * width)


def _sum_of_strip(one: np.ndarray, other: np.ndarray) -> float:
    # About the middle, where squares are small: what is left of them in the end is much smaller than they are.
    one, other = one - _MIDDLE, other - _MIDDLE
    moments = np.stack((one, other, one * one + other * other, one * other))
    mean_one, mean_other, squares, product = _blur(moments)
    covariance = product - mean_one * mean_other
    variances = squares - mean_one * mean_one - mean_other * mean_other
    mean_one += _MIDDLE
    mean_other += _MIDDLE
    means = mean_one * mean_other
    mean_squares = mean_one * mean_one + mean_other * mean_other
    alike = (2 * means + _STEADY_MEAN) * (2 * covariance + _STEADY_VARIANCE)
    alike /= (mean_squares + _STEADY_MEAN) * (variances + _STEADY_VARIANCE)
    return float(alike.sum(dtype=np.float64))


def _blur(planes: np.ndarray) -> np.ndarray:
    """[planes, rows, columns] seen through the window, which keeps inside.

    As products with bands of a matrix, which is several times as fast as going through the taps.
    """
    count, height, width = len(planes), planes.shape[1] - WINDOW + 1, planes.shape[2] - WINDOW + 1
    rows = (_band(height) @ planes).reshape(count * height, -1)
    blurred = np.empty((count * height, width), np.float32)
    for left in range(0, width, _BLOCK):
        right = min(left + _BLOCK, width)
        np.matmul(rows[:, left : right + WINDOW - 1], _band(right - left).T, out=blurred[:, left:right])
    return blurred.reshape(count, height, width)


def _make_bands() -> np.ndarray:
    taps = np.exp(-0.5 * ((np.arange(_TAPS) - _TAPS // 2) / _SIGMA) ** 2)
    bands = np.zeros((_BLOCK, _BLOCK + _TAPS - 1), np.float32)
    for row in range(_BLOCK):
        bands[row, row : row + _TAPS] = taps / taps.sum()
    return bands


_BANDS = _make_bands()


def _band(length: int) -> np.ndarray:
    """The matrix that makes `length` places of as many and the window's margin."""
    return _BANDS[:length, : length + WINDOW - 1]
