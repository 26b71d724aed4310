"""That defects are what they are called, none at size 0 and more at each larger size."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from demo.validation.defects import DEFECTS, Defect
from tests.demo.validation.specimens import specimen

_SOMEBODY, _OTHER = specimen(), specimen("another", seed=1)
_BY_NAME = {defect.name: defect for defect in DEFECTS}
# Blur of no width and no frames dropped are not asked for.
_FROM_NOTHING = sorted(set(_BY_NAME) - {"blur"})


def spoil(name: str, size: float):
    return _BY_NAME[name].spoil(_SOMEBODY, size, _OTHER)


def differences(defect: Defect, sizes: Sequence[float]) -> list[float]:
    """How far picture and sound are from what they were."""
    found = []
    for size in sizes:
        spoiled = defect.spoil(_SOMEBODY, size, _OTHER)
        picture = np.abs(spoiled.frames.astype(float) - _SOMEBODY.frames).mean()
        found.append(float(picture + np.abs(spoiled.samples - _SOMEBODY.samples).mean()))
    return found


@pytest.mark.parametrize("name", _FROM_NOTHING)
def test_no_defect_changes_nothing(name: str):
    assert differences(_BY_NAME[name], [0]) == [0]


@pytest.mark.parametrize("name", sorted(set(_BY_NAME) - {"sound comes late"}))
def test_larger_defects_change_more(name: str):
    # A hum, a patch that comes round and a brightness that ends at white: not beyond the middle sizes.
    found = differences(_BY_NAME[name], _BY_NAME[name].sizes[:3])
    assert found[0] > 0
    assert found == sorted(found)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: f"{defect.name}, {defect.metric}")
def test_sizes_grow_and_what_is_spoiled_keeps_its_shape(defect: Defect):
    assert list(defect.sizes) == sorted(defect.sizes)
    spoiled = defect.spoil(_SOMEBODY, defect.sizes[-1], _OTHER)
    assert (spoiled.frames.shape, spoiled.frames.dtype) == (_SOMEBODY.frames.shape, np.uint8)
    assert (spoiled.samples.shape, spoiled.samples.dtype) == (_SOMEBODY.samples.shape, np.float32)


def test_sound_is_late_by_so_many_frames():
    late = spoil("sound comes late", 2).samples
    assert not late[:2000].any()
    assert np.array_equal(late[2000:], _SOMEBODY.samples[:-2000])


def test_the_end_of_the_speech_is_anothers():
    half = len(_SOMEBODY.samples) // 2
    mixed = _BY_NAME["another's speech"].spoil(_SOMEBODY, 0.5, _OTHER).samples
    assert np.array_equal(mixed, np.concatenate((_SOMEBODY.samples[:half], _OTHER.samples[half:])))


def test_so_many_seconds_are_silent():
    silent = spoil("speaks in silence", 1.5).samples == 0
    assert abs(int(silent.sum()) - 24000) < 50


def test_flicker_leaves_the_mean_of_many_frames():
    levels = spoil("flicker", 4).frames.astype(float).mean(axis=(1, 2, 3)) - _SOMEBODY.frames.mean(axis=(1, 2, 3))
    assert 2.5 < levels.std() < 5.5


def test_noise_has_its_deviation():
    change = spoil("noise", 4).frames.astype(float) - _SOMEBODY.frames
    assert change.std() == pytest.approx(4, rel=0.05)


def test_colours_drift_from_what_they_were():
    change = spoil("colours drift", 16).frames.astype(float) - _SOMEBODY.frames
    assert not change[0].any()
    assert change[-1].mean(axis=(0, 1)) == pytest.approx((16, 0, -16))


def test_only_the_second_clip_is_moved():
    moved = spoil("jump at the seam", 2).frames
    begin = _SOMEBODY.clip_starts[1]
    assert np.array_equal(moved[:begin], _SOMEBODY.frames[:begin])
    assert np.array_equal(moved[begin:, :, 2:], _SOMEBODY.frames[begin:, :, :-2])


def test_so_many_frames_are_those_before():
    frames = spoil("dropped frames", 4).frames
    assert sum(np.array_equal(one, other) for one, other in pairwise(frames)) == 4


def test_slow_motion_shows_less_of_the_video():
    slow = spoil("slow motion", 50).frames
    assert np.array_equal(slow[20], _SOMEBODY.frames[10])


def test_a_frozen_mouth_leaves_the_rest():
    frozen = spoil("frozen mouth", 1).frames
    changed = np.abs(frozen.astype(int) - _SOMEBODY.frames).sum(axis=(0, 3)) > 0
    assert 0 < changed.mean() < 0.5


def test_the_faded_are_grey_in_the_end():
    grey = spoil("faded", 100).frames
    assert np.ptp(grey, axis=3).max() <= 1
