import numpy as np
import pytest

from s2v_runner.metrics.motion import FlickerGauge, MotionGauge, SeamGauge
from tests.metrics.footage import as_frame, draw_texture, moving, plain, show, value_of, with_noise

TEXTURE = draw_texture(64, 64)


def brighter_by(levels: list[float]) -> list[np.ndarray]:
    return [as_frame(TEXTURE[..., 0] + level) for level in levels]


@pytest.mark.parametrize("step", [1, 2, 4, 8])
def test_motion_is_in_percent_of_the_longer_side(step: int):
    measures = show(MotionGauge(), moving(step, 6))
    assert value_of(measures, "motion") == pytest.approx(100 * step / 128, rel=0.12)


def test_motion_does_not_depend_on_the_size():
    small, large = (value_of(show(MotionGauge(), moving(side / 64, 4, side)), "motion") for side in (128, 512))
    assert small == pytest.approx(large, rel=0.15)


def test_what_moves_is_explained_and_what_changes_in_place_is_not():
    still = value_of(show(MotionGauge(), [TEXTURE] * 4), "warp_error")
    moved = value_of(show(MotionGauge(), moving(2, 6)), "warp_error")
    boiling = value_of(show(MotionGauge(), [with_noise(TEXTURE, 8, seed) for seed in range(6)]), "warp_error")
    assert still == 0
    assert moved < 0.5
    # The mean absolute difference of two draws of noise, less what the flow runs after.
    assert 0.5 * 8 * 2 / np.sqrt(np.pi) < boiling < 8 * 2 / np.sqrt(np.pi)


@pytest.mark.parametrize("step", [1, 4, 16])
def test_a_change_of_light_is_not_explained_by_motion(step: int):
    assert value_of(show(MotionGauge(), brighter_by([0, step] * 4)), "warp_error") == pytest.approx(step, abs=0.1)


def test_a_single_frame_neither_moves_nor_flickers_nor_has_a_seam():
    assert show(MotionGauge(), [TEXTURE])["motion"].reason == "it has a single frame"
    assert show(MotionGauge(), [TEXTURE])["warp_error"].reason == "it has a single frame"
    assert show(FlickerGauge(), [TEXTURE] * 2)["flicker"].reason == "it has fewer than three frames"
    assert show(SeamGauge(), [TEXTURE])["seam_jump"].reason == "it has a single clip"


@pytest.mark.parametrize("step", [1, 2, 8])
def test_flicker_is_how_far_frames_are_from_their_neighbours(step: int):
    measures = show(FlickerGauge(), brighter_by([0, step] * 5))
    assert value_of(measures, "flicker") == pytest.approx(step, abs=0.05)


def test_a_steady_change_of_light_is_no_flicker():
    assert value_of(show(FlickerGauge(), brighter_by([2.0 * index for index in range(10)])), "flicker") < 0.05


def test_grain_is_no_flicker():
    frames = [with_noise(TEXTURE, 4, seed) for seed in range(8)]
    assert value_of(show(FlickerGauge(), frames), "flicker") < 1


def test_only_what_stands_still_can_flicker():
    measures = show(FlickerGauge(), moving(4, 6))
    assert measures["flicker"].value is None or value_of(measures, "flicker") < 0.5
    # A panorama, of which nothing keeps its place, but for the very border.
    still = value_of(show(FlickerGauge(), [TEXTURE] * 5), "flicker")
    assert still == 0


@pytest.mark.parametrize("jump", [1, 3, 8])
def test_a_jump_at_a_seam_is_a_multiple_of_the_usual_change(jump: int):
    levels = [2 * index + (2 * (jump - 1) if index >= 8 else 0) for index in range(16)]
    ramp = [plain(40 + level) for level in levels]
    assert value_of(show(SeamGauge(), ramp, (0, 8)), "seam_jump") == pytest.approx(jump, rel=0.02)


def test_the_largest_jump_counts():
    levels = np.arange(18) + np.repeat([0, 4, 6], 6)
    measures = show(SeamGauge(), [plain(40 + level) for level in levels], (0, 6, 12))
    assert value_of(measures, "seam_jump") == pytest.approx(5, rel=0.02)


def test_the_same_frames_as_one_clip_have_no_seam():
    frames = brighter_by([0, 1, 2, 9, 10, 11])
    assert show(SeamGauge(), frames)["seam_jump"].reason == "it has a single clip"


def test_clips_that_stand_still_are_no_measure_of_a_jump():
    frames = [plain(40)] * 4 + [plain(60)] * 4
    assert show(SeamGauge(), frames, (0, 4))["seam_jump"].reason == "nothing changes within clips"


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (8, 8), (16, 16), (8, 100)])
def test_tiny_frames_are_measured_all_the_same(shape: tuple[int, int]):
    frames = [plain(50 + index % 2, *shape) for index in range(6)]
    for gauge in (MotionGauge(), FlickerGauge(), SeamGauge()):
        assert all(measure.value is not None for measure in show(gauge, frames, (0, 3)).values())
