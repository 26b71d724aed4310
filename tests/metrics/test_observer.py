import numpy as np
import pytest

from s2v_runner.metrics.faces import FixedFace
from s2v_runner.metrics.observer import PROXY_SIDE, Observer, carry, shrink, to_lab
from s2v_runner.metrics.views import View
from tests.metrics.footage import FACE, draw_texture, moving, plain, see


def flow_of(view: View) -> np.ndarray:
    assert view.flow is not None
    return view.flow


def visible_of(view: View) -> np.ndarray:
    assert view.visible is not None
    return view.visible


def test_a_view_says_what_it_is_of():
    observer = Observer(FixedFace(FACE))
    frames = [draw_texture(40, 60, seed) for seed in range(3)]
    views = [
        observer.see(frame, clip, finite)
        for frame, clip, finite in zip(frames, (0, 0, 1), (True, False, True), strict=True)
    ]
    assert [(view.index, view.clip, view.finite) for view in views] == [(0, 0, True), (1, 0, False), (2, 1, True)]
    for view, frame in zip(views, frames, strict=True):
        assert view.rgb is frame
        assert view.luma.shape == view.small_luma.shape == (40, 60)
        assert view.face == FACE


def test_the_first_frame_comes_from_nowhere():
    first, second = see([draw_texture(32, 32)] * 2)
    assert first.flow is first.visible is None
    assert np.abs(flow_of(second)).max() < 0.1
    assert visible_of(second).all()


@pytest.mark.parametrize("step", [1, 2, 5])
def test_the_flow_points_to_where_things_were(step: int):
    _, *views = see(moving(step, 4))
    for view in views:
        np.testing.assert_allclose(np.median(flow_of(view), axis=(0, 1)), (-step, 0), atol=0.2)


def test_what_is_uncovered_was_not_seen_before():
    ground, square = draw_texture(96, 96), draw_texture(40, 40, seed=1)
    frames = [ground.copy(), ground.copy()]
    frames[0][28:68, 20:60] = square
    frames[1][28:68, 26:66] = square
    _, view = see(frames)
    seen = visible_of(view)
    assert seen[36:60, 21:25].mean() < 0.5
    assert seen[36:60, 36:60].mean() > 0.9
    assert seen[:20].mean() > 0.95


def test_copies_are_small_and_keep_their_shape():
    (view,) = see([draw_texture(300, 600)])
    assert view.luma.shape == (300, 600)
    assert view.small_rgb.shape == (128, 256, 3)
    assert view.small_luma.shape == view.small_lab.shape[:2] == (128, PROXY_SIDE)
    assert view.small_luma.mean() == pytest.approx(view.luma.mean(), abs=0.5)


def test_what_is_small_is_not_copied():
    frame = draw_texture(30, 20)
    assert shrink(frame, 30) is frame
    assert shrink(frame, 15).shape == (15, 10, 3)
    assert shrink(np.zeros((1, 500), np.uint8), 100).shape == (1, 100)


def test_values_are_carried_along_the_flow():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    flow = np.zeros((3, 4, 2), np.float32)
    np.testing.assert_array_equal(carry(values, flow), values)
    flow[..., 0] = -1
    np.testing.assert_array_equal(carry(values, flow), values[:, [0, 0, 1, 2]])
    flow[..., 0], flow[..., 1] = 0.5, 1
    np.testing.assert_allclose(carry(values, flow)[0], (4.5, 5.5, 6.5, 7))


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((119, 119, 119), (50.0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_colours_are_those_of_cielab(rgb: tuple[int, ...], lab: tuple[float, ...]):
    np.testing.assert_allclose(to_lab(np.full((2, 2, 3), rgb, np.uint8))[0, 0], lab, atol=0.4)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (8, 8), (15, 300), (16, 16)])
def test_frames_too_small_for_a_flow_stand_still(shape: tuple[int, int]):
    first, second = see([plain(50, *shape), plain(60, *shape)])
    assert first.flow is None
    assert np.abs(flow_of(second)).max() == 0
    assert visible_of(second).all()
