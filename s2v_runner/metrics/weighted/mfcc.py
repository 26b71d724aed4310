"""Mel-frequency cepstral coefficients, as python_speech_features has them and SyncNet has learned them.

Source: `mfcc` in python_speech_features/base.py and sigproc.py (jameslyons/python_speech_features), with the settings
that it has of itself. librosa's differ in the filters, the window and the first coefficient.
"""

import numpy as np

RATE = 16000
HOP = 160
"""In samples: 100 frames a second."""
NUM_COEFFICIENTS = 13

_WINDOW = 400
_FFT_SIZE = 512
_NUM_FILTERS = 26
_PRE_EMPHASIS = 0.97
_LIFTER = 22


def compute_mfcc(samples_S: np.ndarray) -> np.ndarray:
    """The coefficients of windows of 25 ms every 10 ms, as [frames, 13] in float64.

    samples_S: mono at 16 kHz, in levels of 16 bits (−32768 to 32767). The last window is filled up with silence. The
    first coefficient is the logarithm of the window's energy.
    """
    power_FB = _compute_power(_emphasise(samples_S))
    energy_F = power_FB.sum(axis=1)
    mel_FM = power_FB @ mel_filters().T
    cepstra_FC = _log(mel_FM) @ _cosines().T * _lifter()
    cepstra_FC[:, 0] = _log(energy_F)
    return cepstra_FC


def mel_filters() -> np.ndarray:
    """Overlapping triangles at equal distances in mel from 0 Hz to 8 kHz, their corners at bins of the spectrum.

    Shape: [26, 257].
    """
    highest_mel = 2595 * np.log10(1 + RATE / 2 / 700)
    corners_hertz = 700 * (10 ** (np.linspace(0, highest_mel, _NUM_FILTERS + 2) / 2595) - 1)
    corners = np.floor((_FFT_SIZE + 1) * corners_hertz / RATE)
    bins = np.arange(_FFT_SIZE // 2 + 1)
    return np.stack([np.interp(bins, corners[first : first + 3], [0, 1, 0]) for first in range(_NUM_FILTERS)])


def _emphasise(samples_S: np.ndarray) -> np.ndarray:
    samples_S = samples_S.astype(np.float64)
    return np.append(samples_S[:1], samples_S[1:] - _PRE_EMPHASIS * samples_S[:-1])


def _compute_power(samples_S: np.ndarray) -> np.ndarray:
    """The power spectra of the windows, which are rectangular: [frames, 257]."""
    steps = max(0, -(-(len(samples_S) - _WINDOW) // HOP))
    padded = np.pad(samples_S, (0, steps * HOP + _WINDOW - len(samples_S)))
    windows_FW = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP]
    return np.abs(np.fft.rfft(windows_FW, _FFT_SIZE)) ** 2 / _FFT_SIZE


def _log(power: np.ndarray) -> np.ndarray:
    return np.log(np.where(power == 0, np.finfo(np.float64).eps, power))


def _cosines() -> np.ndarray:
    """The first rows of the orthonormal discrete cosine transform of type II: [13, 26]."""
    orders = np.arange(NUM_COEFFICIENTS)[:, None]
    filters = np.arange(_NUM_FILTERS)
    cosines = np.sqrt(2 / _NUM_FILTERS) * np.cos(np.pi * orders * (filters + 0.5) / _NUM_FILTERS)
    cosines[0] /= np.sqrt(2)
    return cosines


def _lifter() -> np.ndarray:
    return 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(NUM_COEFFICIENTS) / _LIFTER)
