"""The coefficients, by what can be computed by hand and by SciPy's transforms."""

import numpy as np
import pytest
from scipy.fft import dct

from s2v_runner.metrics.weighted.mfcc import compute_mfcc, mel_filters

EPSILON = np.finfo(np.float64).eps


@pytest.mark.parametrize(
    ("samples", "frames"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3), (16000, 99), (16000 + 640, 103)]
)
def test_there_is_a_frame_every_hundredth_second(samples: int, frames: int):
    assert compute_mfcc(np.ones(samples)).shape == (frames, 13)


def test_silence_has_the_least_energy_that_has_a_logarithm():
    mfcc = compute_mfcc(np.zeros(400))[0]
    # The same in all filters, so that nothing is left of it but the first coefficient, which is the energy's.
    np.testing.assert_allclose(mfcc, [np.log(EPSILON), *[0.0] * 12], atol=1e-11)


def test_the_energy_of_an_impulse():
    # The pre-emphasis makes 1, -0.97 of it, whose power at angle w is 1 + 0.97² - 2 · 0.97 · cos w. Over the bins from
    # 0 to half a turn the cosines cancel.
    energy = 257 * (1 + 0.97**2) / 512
    impulse = np.zeros(400)
    impulse[0] = 1
    assert compute_mfcc(impulse)[0, 0] == pytest.approx(np.log(energy))


def test_the_energy_of_a_level():
    # All but the first sample are 0.03 of themselves. By Parseval, the power over all 512 bins is the sum of squares;
    # 257 of them are half of that and half of what the bins 0 and 256 have.
    level = np.full(400, 100.0)
    emphasised = np.full(400, 3.0)
    emphasised[0] = 100.0
    lowest, highest = emphasised.sum() ** 2, (100.0 - 3.0) ** 2
    energy = (np.square(emphasised).sum() + (lowest + highest) / 512) / 2
    assert compute_mfcc(level)[0, 0] == pytest.approx(np.log(energy))


def test_louder_sound_has_the_same_coefficients_and_more_energy():
    sound = np.random.default_rng(0).normal(size=4000)
    quiet, loud = compute_mfcc(sound), compute_mfcc(100 * sound)
    np.testing.assert_allclose(loud[:, 1:], quiet[:, 1:], atol=1e-9)
    np.testing.assert_allclose(loud[:, 0] - quiet[:, 0], np.log(100**2))


def test_filters_overlap_by_half():
    filters = mel_filters()
    assert filters.shape == (26, 257)
    tops = filters.argmax(axis=1)
    # The first three and the last, from 2595 · log10(1 + f / 700) by hand: (512 + 1) · f / 16000, cut off.
    assert tops[:3].tolist() == [2, 4, 7]
    assert tops[-1] == 231
    np.testing.assert_array_equal(filters.max(axis=1), 1)
    # Between the first and the last top, what one filter loses the next has.
    np.testing.assert_allclose(filters[:, tops[0] : tops[-1] + 1].sum(axis=0), 1)
    assert filters[:, 0].sum() == 0
    assert filters[:, 256].sum() == 0


def test_the_coefficients_of_a_tone_are_those_of_scipy():
    time = np.arange(400) / 16000
    tone = 1000 * np.sin(2 * np.pi * 440 * time)
    emphasised = np.concatenate([tone[:1], tone[1:] - 0.97 * tone[:-1]])
    power = np.abs(np.fft.fft(np.pad(emphasised, (0, 112)))[:257]) ** 2 / 512
    cepstra = np.asarray(dct(np.log(mel_filters() @ power), type=2, norm="ortho"))[:13]
    lifter = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    np.testing.assert_allclose(compute_mfcc(tone)[0, 1:], (cepstra * lifter)[1:])
