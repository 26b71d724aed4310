import numpy as np
import pytest

from s2v_runner.inputs.extraction.drawing import draw_pose
from s2v_runner.inputs.extraction.skeleton import BODY_COLOURS, JOINTS, LEFT_HAND

NECK, NOSE, RIGHT_SHOULDER = 1, 0, 2


def some(**places: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Places of all joints, and that only these are shown."""
    numbers = {"nose": NOSE, "neck": NECK, "shoulder": RIGHT_SHOULDER, "wrist": LEFT_HAND, "thumb": LEFT_HAND + 1}
    everywhere, shown = np.full((JOINTS, 2), 20.0), np.zeros(JOINTS, bool)
    for name, place in places.items():
        everywhere[numbers[name]] = place
        shown[numbers[name]] = True
    return everywhere, shown


def test_a_limb_is_as_thick_and_as_bright_as_in_the_example():
    picture = draw_pose(*some(nose=(480, 200), neck=(480, 320)), 540, 960)
    # Halfway, away from the joints: 9 of 1080 lines, at six tenths.
    row = picture[260].astype(float)
    assert row[..., 0].sum() / 153 == pytest.approx(4.5, abs=0.3)
    assert row[480].tolist() == [153, 0, 0]
    assert not row[..., 1:].any()
    # It tapers, and ends at its joints.
    assert 1.5 < picture[215, :, 0].sum() / 153 < 3.9
    assert not picture[:196].any()
    assert not picture[325:].any()


def test_joints_are_bright_and_round():
    picture = draw_pose(*some(shoulder=(100, 100)), 540, 960)
    assert picture[100, 100].tolist() == list(BODY_COLOURS[RIGHT_SHOULDER])
    assert picture[..., 2].sum() / 255 == pytest.approx(13.5, abs=1.5)
    lit = np.argwhere(picture.any(axis=2))
    assert lit.mean(axis=0) == pytest.approx([100, 100], abs=0.5)


def test_fingers_are_thin_with_red_joints():
    picture = draw_pose(*some(wrist=(300, 200), thumb=(360, 200)), 540, 960)
    middle = picture[:, 330].astype(float)
    assert middle[..., 2].sum() / 255 == pytest.approx(1.5, abs=0.6)
    assert not middle[..., :2].any()
    assert picture[200, 300, 0] > 200
    assert picture[200, 300, 2] < 50


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (1280, 720), (540, 960), (240, 426)])
def test_limbs_grow_with_the_picture(height: int, width: int):
    middle = width // 2
    picture = draw_pose(*some(nose=(middle, height * 0.2), neck=(middle, height * 0.8)), height, width)
    share = picture[height // 2, :, 0].sum() / 153 / min(height, width)
    assert share == pytest.approx(9 / 1080, rel=0.3)


def test_joints_stay_where_they_are_at_any_size():
    for height, width in ((540, 960), (90, 160), (64, 48)):
        place = (width * 0.6, height * 0.4)
        lit = np.argwhere(draw_pose(*some(neck=place), height, width).any(axis=2))
        assert lit.mean(axis=0) == pytest.approx([place[1], place[0]], abs=0.8)


def test_a_limb_needs_both_its_ends():
    picture = draw_pose(*some(nose=(40, 20), shoulder=(10, 60)), 90, 160)
    assert not picture[30:50].any()
    assert picture[15:25].any()
    assert picture[55:65].any()


def test_without_joints_it_is_black():
    assert not draw_pose(*some(), 64, 64).any()


@pytest.mark.parametrize("far", [(-1e6, 50), (1e9, -1e9), (100, 1e5)])
def test_joints_far_outside_do_no_harm(far: tuple[float, float]):
    picture = draw_pose(*some(nose=far, neck=(300, 300)), 540, 960)
    assert picture[300, 300].tolist() == list(BODY_COLOURS[NECK])


def test_the_same_joints_are_drawn_the_same():
    rng = np.random.default_rng(0)
    places, shown = rng.uniform(0, 100, (JOINTS, 2)), rng.uniform(size=JOINTS) > 0.2
    assert (draw_pose(places, shown, 100, 100) == draw_pose(places.copy(), shown.copy(), 100, 100)).all()
