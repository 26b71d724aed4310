"""Small videos of which it is known what a gauge must find, and how gauges are shown them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import s2v_runner
from s2v_runner.metrics.faces import FaceTrack, FixedFace
from s2v_runner.metrics.measures import Measure
from s2v_runner.metrics.observer import Observer
from s2v_runner.metrics.views import Box, Gauge, View

FPS, RATE = 16.0, 16000
EVERYWHERE = Box(0, 0, 1, 1)
FACE = Box(0.25, 0.2, 0.5, 0.5)
"""Of the heads that are drawn here."""
_SKIN, _HOLLOW, _GROUND = 170, 40, 90


def see(frames: Sequence[np.ndarray], starts: Sequence[int] = (0,), face: FaceTrack | None = None) -> list[View]:
    """Frames as gauges see them, the clips beginning at `starts`."""
    observer = Observer(face or FixedFace(EVERYWHERE))
    clips = np.searchsorted(starts, np.arange(len(frames)), side="right") - 1
    return [observer.see(frame, int(clip), True) for frame, clip in zip(frames, clips, strict=True)]


def show(
    gauge: Gauge, frames: Sequence[np.ndarray], starts: Sequence[int] = (0,), face: FaceTrack | None = None
) -> Mapping[str, Measure]:
    for view in see(frames, starts, face):
        gauge.take(view)
    return gauge.read()


def value_of(measures: Mapping[str, Measure], key: str) -> float:
    value = measures[key].value
    assert value is not None, measures[key].reason
    return value


def draw_texture(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Blotches a few pixels wide, grey, 8 bits."""
    field = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (rows, columns)), (0, 0), 3)
    return as_frame(128 + 40 * field / field.std())


def as_frame(grey: np.ndarray) -> np.ndarray:
    """A grey picture [rows, columns] as a frame [rows, columns, 3], 8 bits."""
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def plain(level: int, rows: int = 64, columns: int = 64) -> np.ndarray:
    return np.full((rows, columns, 3), level, np.uint8)


def with_noise(frame: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """Grain that is the same in all three channels."""
    return as_frame(frame[..., 0] + np.random.default_rng(seed).normal(0, strength, frame.shape[:2]))


def moving(step: float, count: int, side: int = 128) -> list[np.ndarray]:
    """A texture that moves to the right by so many pixels a frame."""
    wide = draw_texture(side, side + round(step * count) + 16)
    shifts = [wide.shape[1] - side - 8 - step * index for index in range(count)]
    moves = (np.array([[1, 0, -shift], [0, 1, 0]], float) for shift in shifts)
    return [cv2.warpAffine(wide, move, (side, side), flags=cv2.INTER_CUBIC) for move in moves]


def speak(frames: int, seed: int = 0, pauses: Sequence[slice] = ()) -> tuple[np.ndarray, np.ndarray]:
    """Speech, and how loud it is meant to be in each frame: a tone of 600 Hz that swells and fades, pauses silent."""
    draw = np.random.default_rng(seed)
    levels = np.convolve(draw.uniform(0, 1, frames + 2), [0.25, 0.5, 0.25], mode="valid")
    levels = np.clip((levels - 0.2) / 0.6, 0.05, 1)
    for pause in pauses:
        levels[pause] = 0
    times = np.arange(round(frames / FPS * RATE)) / RATE
    envelope = np.interp(times, np.arange(frames) / FPS, levels)
    return (envelope * np.sin(2 * np.pi * 600 * times)).astype(np.float32), levels


def draw_heads(openness: Sequence[float] | np.ndarray, side: int = 96) -> list[np.ndarray]:
    """Heads whose mouths are open so far, from 0 to 1, each with its face in FACE."""
    return [open_mouth(_draw_head(side), FACE, share) for share in openness]


def open_mouth(frame: np.ndarray, face: Box, share: float) -> np.ndarray:
    """The frame with a hollow drawn where the mouth is in the face, open so far."""
    rows, columns = frame.shape[:2]
    drawn = frame.copy()
    centre = ((face.left + face.width / 2) * columns, (face.top + 0.8 * face.height) * rows)
    axes = (0.15 * face.width * columns, max(0.01, 0.12 * share) * face.width * columns)
    fine = 4
    cv2.ellipse(
        drawn,
        (*(round(2**fine * place) for place in centre),),
        (*(round(2**fine * axis) for axis in axes),),
        0,
        0,
        360,
        (_HOLLOW,) * 3,
        -1,
        cv2.LINE_AA,
        fine,
    )
    return drawn


def _draw_head(side: int) -> np.ndarray:
    frame = plain(_GROUND, side, side)
    return cv2.ellipse(
        frame, (side // 2, side * 45 // 100), (side * 3 // 10, side * 4 // 10), 0, 0, 360, (_SKIN,) * 3, -1
    )


def read_portrait(side: int) -> np.ndarray:
    """The picture that comes with the project: somebody who looks into the camera."""
    path = Path(s2v_runner.__file__).parent / "assets" / "picture.png"
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))
