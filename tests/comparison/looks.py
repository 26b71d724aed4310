"""What the videos of the sweeps that never were look like."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from s2v_runner.tracking.definition import PointDefinition, SweepDefinition


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the videos have in common."""

    width: int
    height: int
    frames: int
    fps: int
    noise: bool
    """Whether they are noise that no encoder can do anything about."""
    lossless: bool
    """Whether the frames are kept without loss beside the video."""
    crf: int


TINY = Look(width=64, height=48, frames=12, fps=16, noise=False, lossless=False, crf=10)
DEMO = Look(width=128, height=128, frames=66, fps=16, noise=False, lossless=False, crf=10)


def make_frames(definition: SweepDefinition, point: PointDefinition, look: Look) -> Iterator[np.ndarray]:
    """Discs that move over a gradient, [rows, columns, 3]; the swept keys in turn take grain, paleness, tint, speed."""
    generator = np.random.default_rng(point.number if look.noise else 0)
    if look.noise:
        for _ in range(look.frames):
            yield generator.integers(0, 256, (look.height, look.width, 3), np.uint8)
        return
    grain, colour, tint, speed = _effects(definition, point)
    rows, columns = np.mgrid[0 : look.height, 0 : look.width] / max(look.height, look.width)
    noise = generator.normal(0, 60 * (1 - grain) ** 2 + 1, (look.height, look.width, 1))
    for index in range(look.frames):
        angle = 2 * np.pi * (0.3 + 0.7 * speed) * index / 66 * 1.5
        picture = np.stack((0.25 + 0.5 * columns, 0.25 + 0.5 * rows, 0.6 - 0.4 * columns), axis=-1)
        for disc in range(3):
            turn = angle + disc * 2.1
            away = np.hypot(rows - 0.4 - 0.25 * np.sin(turn), columns - 0.5 - 0.3 * np.cos(1.3 * turn))
            hue = 0.5 + 0.5 * np.cos(2 * np.pi * (tint * 0.3 + disc / 3 + np.array([0, 1 / 3, 2 / 3])))
            inside = np.clip((0.13 - away) * look.height / 2, 0, 1)[..., None]
            picture = picture * (1 - inside) + hue * inside
        grey = picture.mean(axis=-1, keepdims=True)
        picture = grey + (picture - grey) * (0.2 + 1.1 * colour)
        # The grain stays where it is on the picture for a few frames, as that of too few steps does.
        grainy = picture * 255 + np.roll(noise, index // 4 * 5, axis=(0, 1))
        yield np.clip(grainy, 0, 255).round().astype(np.uint8)


def _effects(definition: SweepDefinition, point: PointDefinition) -> list[float]:
    """For each kind of effect how strong it is, 0 … 1; 0.7 for those that no key has."""
    strengths = [0.7] * 4
    for place, key in enumerate(definition.swept):
        values = list(dict.fromkeys(other.values[key] for other in definition.points))
        if len(values) > 1:
            strengths[place % 4] = values.index(point.values[key]) / (len(values) - 1)
    return strengths
