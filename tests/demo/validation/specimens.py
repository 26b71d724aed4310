"""Small videos in which something moves."""

import numpy as np

from demo.validation.material import Specimen
from demo.world.performance import FRAMES_PER_SECOND
from s2v_runner.plan import SPEECH_RATE

SIDE = 64


def specimen(name: str = "somebody", frames: int = 40, seed: int = 0) -> Specimen:
    """A textured ground over which a bright patch goes, two clips, and a hum."""
    rng = np.random.default_rng(seed)
    ground = np.kron(rng.integers(60, 180, (SIDE // 4, SIDE // 4, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    video = np.repeat(ground[None], frames, axis=0)
    for index in range(frames):
        left = 8 + index % 32
        video[index, 24:40, left : left + 16] = (230, 190, 150)
    length = round(frames / FRAMES_PER_SECOND * SPEECH_RATE)
    samples = (0.1 * np.sin(np.arange(length) * (0.3 + 0.01 * seed))).astype(np.float32)
    return Specimen(name, video, ground, samples, (0, frames // 2))
