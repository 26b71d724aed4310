import cv2
import numpy as np
import pytest

from s2v_runner.metrics.faces import FaceSearch, FixedFace, FoundFace, choose_face
from s2v_runner.metrics.views import Box
from tests.metrics.footage import FACE, draw_texture, plain, read_portrait, see

SIDE = 128
PORTRAIT = read_portrait(SIDE)
LUMA = cv2.cvtColor(PORTRAIT, cv2.COLOR_RGB2GRAY)
NOBODY = draw_texture(SIDE, SIDE)


def shifted(pixels: int) -> np.ndarray:
    """The picture moved to the right, its border going on."""
    move = np.array([[1, 0, pixels], [0, 1, 0]], float)
    return cv2.warpAffine(PORTRAIT, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def face_of(box: Box | None) -> Box:
    assert box is not None
    return box


def test_the_one_face_is_found():
    (box,) = FaceSearch().find(LUMA)
    # From the chin to the middle of the forehead of somebody in the middle.
    assert box == pytest.approx((0.27, 0.23, 0.46, 0.46), abs=0.05)
    assert FaceSearch().find(NOBODY[..., 0]) == []


@pytest.mark.parametrize("side", [48, 300])
def test_a_face_is_found_at_any_size(side: int):
    (box,) = FaceSearch().find(cv2.cvtColor(read_portrait(side), cv2.COLOR_RGB2GRAY))
    assert box == pytest.approx(FaceSearch().find(LUMA)[0], abs=0.05)


def test_a_face_is_followed_where_it_goes():
    track = FoundFace(LUMA)
    boxes = [face_of(view.face) for view in see([shifted(2 * index) for index in range(13)], face=track)]
    assert track.problem is None
    assert boxes[0] == pytest.approx(track.in_picture, abs=0.02)
    lefts = SIDE * (np.array([box.left for box in boxes]) - boxes[0].left)
    np.testing.assert_allclose(lefts, 2 * np.arange(13), atol=2.5)
    assert np.ptp([box.top for box in boxes]) < 0.03


def test_a_face_that_turns_away_is_where_it_was():
    frames = [PORTRAIT] * 3 + [NOBODY] * 6
    *_, last = see(frames, face=FoundFace(LUMA))
    assert face_of(last.face).width == pytest.approx(0.46, abs=0.05)


def test_a_face_that_comes_later_is_found_then():
    track = FoundFace(NOBODY[..., 0])
    views = see([NOBODY, NOBODY, PORTRAIT, PORTRAIT], face=track)
    assert track.in_picture is None
    assert [view.face is None for view in views] == [True, True, False, False]


def test_of_two_faces_none_is_chosen():
    both = np.hstack((PORTRAIT, PORTRAIT))
    track = FoundFace(np.hstack((LUMA, LUMA)))
    assert track.problem == "2 faces are found; metrics.face=left,top,width,height says which is meant"
    assert [view.face for view in see([both, both], face=track)] == [None, None]


def test_a_much_smaller_face_is_nobody():
    small = np.full((SIDE, SIDE), 128, np.uint8)
    small[:64, :64] = cv2.resize(LUMA, (64, 64), interpolation=cv2.INTER_AREA)
    track = FoundFace(np.hstack((LUMA, small)))
    assert track.problem is None
    assert face_of(track.in_picture).left < 0.5


def test_a_face_that_is_given_is_not_looked_for():
    track = choose_face(np.hstack((PORTRAIT, PORTRAIT)), FACE)
    assert isinstance(track, FixedFace)
    assert track.problem is None
    assert [view.face for view in see([NOBODY, PORTRAIT], face=track)] == [FACE, FACE]
    assert isinstance(choose_face(PORTRAIT, None), FoundFace)


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (8, 100), (100, 8)])
def test_odd_shapes_have_no_face(shape: tuple[int, int]):
    frames = [plain(90, *shape), plain(95, *shape)]
    assert [view.face for view in see(frames, face=FoundFace(frames[0][..., 0]))] == [None, None]
