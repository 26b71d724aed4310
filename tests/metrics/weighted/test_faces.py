"""Where a face is cut, by pictures whose pixels tell their places."""

import cv2
import numpy as np

from s2v_runner.metrics.views import Box
from s2v_runner.metrics.weighted import arcface, syncnet
from s2v_runner.metrics.weighted.faces import Framing, cut_face
from tests.metrics.weighted.videos import draw


def places(rows: int, columns: int) -> np.ndarray:
    """Red is the row, green the column."""
    picture = np.zeros((rows, columns, 3), np.uint8)
    picture[..., 0] = np.arange(rows)[:, None]
    picture[..., 1] = np.arange(columns)
    return picture


def test_a_box_of_whole_pixels_is_cut_as_it_is():
    picture = draw(0, 40, 80)
    framing = Framing(above=0, side=1, pixels=20, ground=0)
    np.testing.assert_array_equal(cut_face(picture, Box(0.25, 0.25, 0.25, 0.5), framing), picture[10:30, 20:40])


def test_a_change_of_size_is_that_of_opencv():
    picture = draw(1, 40, 80)
    framing = Framing(above=0, side=1, pixels=35, ground=0)
    resized = cv2.resize(picture[10:30, 20:40], (35, 35), interpolation=cv2.INTER_LINEAR).astype(int)
    inner = cut_face(picture, Box(0.25, 0.25, 0.25, 0.5), framing).astype(int)[1:-1, 1:-1]
    # At its edges one interpolates with what lies beyond, the other repeats.
    assert np.abs(inner - resized[1:-1, 1:-1]).max() <= 4


def test_the_square_goes_further_up_and_is_centred_from_left_to_right():
    framing = Framing(above=0.5, side=2, pixels=40, ground=0)
    face = cut_face(places(100, 200), Box(0.5, 0.3, 0.1, 0.2), framing)
    # The box is 20 pixels high from row 30 and in the middle of columns 100 to 120.
    assert face[0, 0].tolist() == [20, 90, 0]
    assert face[-1, -1].tolist() == [59, 129, 0]


def test_beyond_the_frame_is_the_ground():
    framing = Framing(above=1, side=3, pixels=30, ground=110)
    face = cut_face(np.full((10, 10, 3), 7, np.uint8), Box(0, 0, 1, 1), framing)
    assert (face[10:20, 10:20] == 7).all()
    face[10:20, 10:20] = 110
    assert (face == 110).all()


def test_syncnet_sees_the_published_crop():
    # `crop_video` of run_pipeline.py: half a side is 30, so rows from my - 30 to my + 30 · 1.8, columns mx ± 30 · 1.4.
    picture = draw(2, 160, 200)
    middle_row, middle_column, half = 60, 105, 30
    published = picture[middle_row - half : middle_row + 54, middle_column - 42 : middle_column + 42]
    box = Box((middle_column - half) / 200, (middle_row - half) / 160, 2 * half / 200, 2 * half / 160)
    face = cut_face(picture, box, syncnet.FRAMING).astype(int)
    assert np.abs(face - cv2.resize(published, (224, 224)).astype(int))[2:-2, 2:-2].max() <= 4


def test_arcface_has_eyes_and_mouth_about_where_its_template_has_them():
    eyes, mouth = 40 + 40, 40 + 85
    face = cut_face(places(200, 200), Box(0.25, 40 / 200, 0.5, 100 / 200), arcface.FRAMING)
    assert abs(np.abs(face[:, 56, 0].astype(int) - eyes).argmin() - 51.6) <= 1
    assert abs(np.abs(face[:, 56, 0].astype(int) - mouth).argmin() - 92.3) <= 1
