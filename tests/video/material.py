"""What the tests of the writers write."""

from pathlib import Path

import numpy as np
import soundfile

HEIGHT, WIDTH, FPS = 48, 64, 16
LOW_FREQUENCY_CHANNEL = 3
"""Of 5.1 and 7.1: AAC keeps little above 200 Hz of it."""


def moving_frames(count: int) -> np.ndarray:
    frame, row, column = np.mgrid[0:count, 0:HEIGHT, 0:WIDTH]
    return np.stack((row * 5 + frame, column * 3, row + column + frame * 2), axis=-1).astype(np.uint8)


def speech_at(times: np.ndarray, channel: int) -> np.ndarray:
    """A sound that can be asked for at any moment, another in every channel."""
    generator = np.random.default_rng(channel)
    highest = 200 if channel == LOW_FREQUENCY_CHANNEL else 2000
    frequencies, phases = generator.uniform(40, highest, 25), generator.uniform(0, 2 * np.pi, 25)
    return 0.04 * np.sin(2 * np.pi * np.outer(times, frequencies) + phases).sum(axis=1)


def record(path: Path, rate: int, channels: int, samples: int) -> Path:
    times = np.arange(samples) / rate
    soundfile.write(path, np.stack([speech_at(times, channel) for channel in range(channels)], axis=-1), rate)
    return path
