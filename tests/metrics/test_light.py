import numpy as np
import pytest

from s2v_runner.metrics.light import LightGauge, PictureGauge
from s2v_runner.metrics.observer import to_lab
from tests.metrics.footage import draw_texture, plain, read_portrait, see, show, value_of

PORTRAIT = read_portrait(96)


@pytest.mark.parametrize("level", [0, 70, 255])
def test_exposure_is_the_mean_of_luma(level: int):
    measures = show(LightGauge(), [plain(level)] * 2)
    assert value_of(measures, "exposure") == level
    assert value_of(measures, "clipped") == (0 if level == 70 else 100)
    assert value_of(measures, "saturation") == pytest.approx(0, abs=0.05)


def test_only_what_is_lost_in_all_channels_is_clipped():
    frame = plain(100, 10, 10)
    frame[0], frame[1, :5] = 255, 0
    frame[5] = (255, 0, 100)
    frame[6] = (255, 255, 254)
    assert value_of(show(LightGauge(), [frame]), "clipped") == pytest.approx(15)
    assert value_of(show(LightGauge(), [frame, plain(100, 10, 10)]), "clipped") == pytest.approx(7.5)


def test_saturation_is_the_chroma_of_cielab():
    red = np.full((20, 20, 3), (255, 0, 0), np.uint8)
    assert value_of(show(LightGauge(), [red]), "saturation") == pytest.approx(104.55, abs=0.3)
    half = plain(128, 20, 20)
    half[:10] = red[:10]
    assert value_of(show(LightGauge(), [half]), "saturation") == pytest.approx(52.3, abs=0.3)


@pytest.mark.parametrize("side", [96, 300])
def test_the_picture_itself_is_the_same_as_the_picture(side: int):
    portrait = read_portrait(side)
    measures = show(PictureGauge(portrait), [portrait] * 3)
    # A copy is rounded in another order.
    assert value_of(measures, "picture_ssim") == pytest.approx(1, abs=1e-4)
    assert value_of(measures, "colour_drift") == 0


def test_a_drift_is_how_far_the_colours_are():
    measures = show(PictureGauge(plain(119)), [plain(119), plain(143)])
    distance = to_lab(plain(143))[0, 0, 0] - to_lab(plain(119))[0, 0, 0]
    assert value_of(measures, "colour_drift") == pytest.approx(distance / 2, abs=0.01)
    assert distance == pytest.approx(9.5, abs=0.5)


def test_colours_that_change_in_opposite_parts_do_not_cancel_out():
    opposed = plain(119, 60, 60)
    opposed[:30], opposed[30:] = 100, 138
    assert value_of(show(PictureGauge(plain(119, 60, 60)), [opposed]), "colour_drift") > 4


def test_another_picture_is_less_alike():
    measures = show(PictureGauge(PORTRAIT), [draw_texture(96, 96)])
    assert value_of(measures, "picture_ssim") < 0.5
    assert value_of(measures, "colour_drift") > 5


def test_each_clip_has_values_of_its_own():
    gauge = PictureGauge(PORTRAIT)
    darker = (PORTRAIT * 0.8).astype(np.uint8)
    frames = [PORTRAIT, PORTRAIT, darker, darker, darker]
    for view in see(frames, (0, 2)):
        gauge.take(view)
    clips, whole = gauge.read_clips(), gauge.read()
    assert clips["picture_ssim"][0] == pytest.approx(1, abs=1e-6)
    assert clips["picture_ssim"][1] < 0.99
    assert clips["colour_drift"][0] == 0 < clips["colour_drift"][1]
    for key, values in clips.items():
        assert value_of(whole, key) == pytest.approx(np.average(values, weights=(2, 3)))


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (8, 8), (10, 60)])
def test_what_is_smaller_than_the_window_is_not_alike_and_not_unlike(shape: tuple[int, int]):
    gauge = PictureGauge(plain(50, *shape))
    measures = show(gauge, [plain(50, *shape)] * 2)
    assert measures["picture_ssim"].reason == "it is smaller than the 11 pixels that SSIM looks at"
    assert value_of(measures, "colour_drift") == 0
    assert gauge.read_clips() == {"colour_drift": [0]}


def test_a_flat_frame_is_measured():
    frames = [draw_texture(40, 700)] * 2
    measures = show(PictureGauge(frames[0]), frames)
    # Eleven rows are not left of it once it is small.
    assert measures["picture_ssim"].value is None
