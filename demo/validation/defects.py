"""What can be wrong with a talking video, in a size that is known."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from demo.validation.judging import Direction
from demo.validation.material import Specimen
from demo.world.performance import FRAMES_PER_SECOND
from s2v_runner.metrics.faces import FoundFace
from s2v_runner.metrics.mouth import place_of_mouth
from s2v_runner.metrics.observer import Observer
from s2v_runner.metrics.views import Box
from s2v_runner.plan import SPEECH_RATE

_FROZEN_PLACE = 1.6
"""Sides of what is frozen, in those of the mouth's place."""

Spoil = Callable[[Specimen, float, Specimen], Specimen]
"""A video with a defect of this size; the other video is somebody else's, who says something else."""


@dataclass(frozen=True, kw_only=True)
class Defect:
    """Something that can be wrong, and the metric that is to find it."""

    name: str
    unit: str
    sizes: Sequence[float]
    metric: str
    goes: Direction
    """Where the metric goes."""
    spoil: Spoil
    two_clips: bool


def _rng(specimen: Specimen) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(specimen.name.encode()))


def _as_bytes(frames: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(frames), 0, 255).astype(np.uint8)


def _each(specimen: Specimen, change: Callable[[np.ndarray, int], np.ndarray]) -> Specimen:
    """Every frame changed by itself; `change` is given it as float32, and its number."""
    changed = [_as_bytes(change(frame.astype(np.float32), index)) for index, frame in enumerate(specimen.frames)]
    return replace(specimen, frames=np.stack(changed))


def _delay_sound(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    shift = round(size / FRAMES_PER_SECOND * SPEECH_RATE)
    return replace(specimen, samples=np.pad(specimen.samples, (shift, 0))[: len(specimen.samples)])


def _take_other_sound(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """From the end on, so much of the speech is another's."""
    kept = round((1 - size) * len(specimen.samples))
    return replace(specimen, samples=np.concatenate((specimen.samples[:kept], other.samples[kept:])))


def _mute(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """The middle of the speech silent for so many seconds, while the mouth goes on."""
    samples, middle, half = specimen.samples.copy(), len(specimen.samples) // 2, round(size * SPEECH_RATE / 2)
    samples[middle - half : middle + half] = 0
    return replace(specimen, samples=samples)


def _freeze_mouth(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """The mouth of the first frame laid over that of every other, covering it so much."""
    boxes = [_widen(box) for box in _follow_mouth(specimen)]
    first = _cut(specimen.frames[0], boxes[0])

    def cover(frame: np.ndarray, index: int) -> np.ndarray:
        rows, columns = _rows_and_columns(boxes[index], frame.shape)
        patch = cv2.resize(first, (columns.stop - columns.start, rows.stop - rows.start)).astype(np.float32)
        share = size * _feather(patch.shape)[..., None]
        frame[rows, columns] = (1 - share) * frame[rows, columns] + share * patch
        return frame

    return _each(specimen, cover)


def _flicker(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    levels = _rng(specimen).normal(0, size, len(specimen.frames))
    return _each(specimen, lambda frame, index: frame + levels[index])


def _boil(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """Blotches, four pixels wide, that are others in every frame."""
    rng = _rng(specimen)

    def blotch(frame: np.ndarray, index: int) -> np.ndarray:
        rows, columns = frame.shape[:2]
        field = rng.normal(0, 1, (rows // 4, columns // 4)).astype(np.float32)
        return frame + size * cv2.resize(field, (columns, rows), interpolation=cv2.INTER_CUBIC)[..., None]

    return _each(specimen, blotch)


def _blur(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    return _each(specimen, lambda frame, _: cv2.GaussianBlur(frame, (0, 0), size))


def _add_noise(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    rng = _rng(specimen)
    return _each(specimen, lambda frame, _: frame + rng.normal(0, size, frame.shape).astype(np.float32))


def _drift(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """Colours that go from what they are to so many levels more red and less blue at the end."""
    last = len(specimen.frames) - 1
    tint = np.array([1, 0, -1], np.float32)
    return _each(specimen, lambda frame, index: frame + size * index / last * tint)


def _brighten(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    return _each(specimen, lambda frame, _: frame * (1 + size / 100))


def _fade_colours(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    def fade(frame: np.ndarray, _: int) -> np.ndarray:
        grey = frame.mean(axis=2, keepdims=True)
        return frame + size / 100 * (grey - frame)

    return _each(specimen, fade)


def _jump_at_seam(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """Everything from the second clip on moved to the side by so many pixels."""
    begin = specimen.clip_starts[1]
    step = np.array([[1, 0, size], [0, 1, 0]], np.float32)

    def move(frame: np.ndarray, index: int) -> np.ndarray:
        if index < begin:
            return frame
        return cv2.warpAffine(frame, step, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)

    return _each(specimen, move)


def _become_other(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """So much of another person, seen through."""
    count = len(other.frames)
    return _each(specimen, lambda frame, index: (1 - size) * frame + size * other.frames[min(index, count - 1)])


def _drop_frames(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """So many frames, spread over the video, replaced by the one before."""
    frames = specimen.frames.copy()
    for index in np.linspace(1, len(frames) - 1, int(size)).astype(int):
        frames[index] = frames[index - 1]
    return replace(specimen, frames=frames)


def _slow(specimen: Specimen, size: float, other: Specimen) -> Specimen:
    """The picture slower by so many percent, frames mixed from their neighbours."""
    places = np.arange(len(specimen.frames)) * (1 - size / 100)
    before = places.astype(int)
    share = (places - before).astype(np.float32)
    after = np.minimum(before + 1, len(specimen.frames) - 1)

    def mix(_: np.ndarray, index: int) -> np.ndarray:
        one, two = (specimen.frames[place[index]].astype(np.float32) for place in (before, after))
        return (1 - share[index]) * one + share[index] * two

    return _each(specimen, mix)


@lru_cache(maxsize=1)
def _follow_mouth(specimen: Specimen) -> list[Box]:
    """Where the mouth is in every frame; in the middle below where no face is found."""
    observer = Observer(FoundFace(cv2.cvtColor(specimen.picture, cv2.COLOR_RGB2GRAY)))
    faces = [observer.see(frame, 0, True).face for frame in specimen.frames]
    found = [face for face in faces if face is not None]
    rest = found[0] if found else Box(0.25, 0.2, 0.5, 0.5)
    return [place_of_mouth(face or rest, specimen.frames.shape[1:]) for face in faces]


def _widen(box: Box) -> Box:
    """So that nothing of a wide open mouth is left, with its middle where it was."""
    margin = (_FROZEN_PLACE - 1) / 2
    return Box(
        box.left - margin * box.width,
        box.top - margin * box.height,
        _FROZEN_PLACE * box.width,
        _FROZEN_PLACE * box.height,
    )


def _rows_and_columns(box: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    top, left = max(0, round(box.top * shape[0])), max(0, round(box.left * shape[1]))
    bottom = min(shape[0], max(top + 2, round((box.top + box.height) * shape[0])))
    right = min(shape[1], max(left + 2, round((box.left + box.width) * shape[1])))
    return slice(top, bottom), slice(left, right)


def _cut(frame: np.ndarray, box: Box) -> np.ndarray:
    return frame[_rows_and_columns(box, frame.shape)]


def _feather(shape: tuple[int, ...]) -> np.ndarray:
    """1 in the middle, 0 at the border, float32 [rows, columns]."""
    rows, columns = (
        np.clip(4 * np.minimum(ramp, 1 - ramp), 0, 1) for ramp in (np.linspace(0, 1, n) for n in shape[:2])
    )
    return np.outer(rows, columns).astype(np.float32)


def _defect(name: str, unit: str, sizes: Sequence[float], metric: str, goes: Direction, spoil: Spoil) -> Defect:
    two_clips = metric == "seam_jump"
    return Defect(name=name, unit=unit, sizes=sizes, metric=metric, goes=goes, spoil=spoil, two_clips=two_clips)


DEFECTS = (
    _defect("sound comes late", "frames", (1, 2, 3, 4, 6), "mouth_lag", "down", _delay_sound),
    _defect("sound comes late", "frames", (1, 2, 3, 4, 6), "mouth_r", "down", _delay_sound),
    _defect("another's speech", "share", (0.25, 0.5, 0.75, 1), "mouth_r", "down", _take_other_sound),
    _defect("frozen mouth", "share", (0.25, 0.5, 0.75, 1), "mouth_r", "down", _freeze_mouth),
    _defect("frozen mouth", "share", (0.25, 0.5, 0.75, 1), "mouth_motion", "down", _freeze_mouth),
    _defect("speaks in silence", "s", (0.5, 1, 1.5, 2), "mouth_stillness", "up", _mute),
    _defect("flicker", "levels", (0.25, 0.5, 1, 2, 4), "flicker", "up", _flicker),
    _defect("boiling", "levels", (0.5, 1, 2, 4), "warp_error", "up", _boil),
    _defect("blur", "pixels", (0.3, 0.4, 0.5, 0.7, 1), "sharpness", "down", _blur),
    _defect("noise", "levels", (0.25, 0.5, 1, 2, 4), "noise", "up", _add_noise),
    _defect("colours drift", "levels", (2, 4, 8, 16, 32), "colour_drift", "up", _drift),
    _defect("jump at the seam", "pixels", (0.25, 0.5, 1, 2, 4), "seam_jump", "up", _jump_at_seam),
    _defect("another person", "share", (0.1, 0.25, 0.5, 0.75, 1), "picture_ssim", "down", _become_other),
    _defect("dropped frames", "frames", (1, 2, 4, 8), "dead_frames", "up", _drop_frames),
    _defect("slow motion", "%", (10, 25, 50, 75, 90), "motion", "down", _slow),
    _defect("too bright", "%", (1, 2, 5, 10, 20), "exposure", "up", _brighten),
    _defect("burnt out", "%", (5, 10, 20, 40, 80), "clipped", "up", _brighten),
    _defect("faded", "%", (2, 5, 10, 20, 50), "saturation", "down", _fade_colours),
)
