"""How loud the speech is in each frame."""

import numpy as np

_BAND = (300.0, 3000.0)
"""Hertz: what vowels, which open the mouth, are loud in, and hissing is not."""
_EXPONENT = 0.3
"""Of power, to what is heard. S. S. Stevens: The measurement of loudness. Journal of the Acoustical Society of America
27, 1955."""
_VOICED, _SILENT = 0.1, 0.001
"""Shares of the power that the loudest moments have, from which on somebody speaks, and up to which nobody does."""
_LOUDEST = 0.95
"""Share of moments that the loudest are above."""
_BLOCK = 256


def follow_loudness(samples: np.ndarray, rate: int, frames: int, fps: float) -> np.ndarray:
    """Power of the speech between 300 and 3000 Hz about each of the first frames' moments, float64 [frames].

    `samples` are mono; frame k is at k / fps seconds. Two frames' length of sound counts, its middle the most (Hann).
    """
    if not len(samples):
        return np.zeros(frames)
    length = 2 * round(rate / fps)
    window = np.hanning(length)
    frequencies = np.fft.rfftfreq(length, 1 / rate)
    heard = (frequencies >= _BAND[0]) & (frequencies <= _BAND[1])
    powers = []
    for begin in range(0, frames, _BLOCK):
        centres = np.round(np.arange(begin, min(begin + _BLOCK, frames)) * rate / fps).astype(int)
        indices = centres[:, None] + np.arange(length) - length // 2
        inside = (indices >= 0) & (indices < len(samples))
        pieces = np.where(inside, samples[np.clip(indices, 0, len(samples) - 1)], 0.0) * window
        powers.append(np.square(np.abs(np.fft.rfft(pieces)))[:, heard].sum(axis=1) / length)
    return np.concatenate(powers) if powers else np.zeros(0)


def as_heard(power: np.ndarray) -> np.ndarray:
    """Loudness as it is felt, in no unit."""
    return power**_EXPONENT


def find_voiced(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frames in which somebody speaks, and those in which nobody does."""
    loud = np.quantile(power, _LOUDEST) if len(power) else 0.0
    return (power >= _VOICED * loud) & (power > 0), power <= _SILENT * loud
