from pathlib import Path

import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.extraction.boxes import Box
from s2v_runner.inputs.extraction.estimation import Estimator, check_estimator, cut, decode_distributions, window_around
from tests.inputs.extraction.onnx_models import write_detector, write_estimator
from tests.inputs.extraction.people import Person, draw_people


def test_the_window_is_the_box_with_a_quarter_more_at_the_aspect_of_the_model():
    tall = window_around(Box(100, 50, 140, 250, 1), 384, 288)
    assert 1 / tall.scale == pytest.approx(200 * 1.25 / 384)
    assert tall.top == pytest.approx(150 - 125)
    assert tall.left == pytest.approx(120 - 125 * 288 / 384)
    wide = window_around(Box(0, 0, 300, 100, 1), 384, 288)
    assert wide.left == pytest.approx(150 - 300 * 1.25 / 2)
    assert wide.top == pytest.approx(50 - 300 * 1.25 / 2 * 384 / 288)


def test_a_box_without_extent_has_a_window():
    window = window_around(Box(10, 10, 10, 10, 1), 384, 288)
    assert np.isfinite([window.left, window.top, window.scale]).all()


def test_what_is_cut_lies_where_the_window_says():
    picture = np.zeros((90, 120, 3), np.uint8)
    picture[40, 60] = 255
    window = window_around(Box(40, 20, 76, 68, 1), 64, 48)
    seen = cut(picture, window, 64, 48)
    assert seen.shape == (64, 48, 3)
    row, column = np.unravel_index(seen[..., 0].argmax(), (64, 48))
    assert column == pytest.approx((60 - window.left) * window.scale, abs=1)
    assert row == pytest.approx((40 - window.top) * window.scale, abs=1)


def test_beyond_the_picture_it_is_black():
    seen = cut(np.full((50, 50, 3), 200, np.uint8), window_around(Box(-40, 0, 20, 50, 1), 64, 48), 64, 48)
    assert seen[32, 0].max() == 0
    assert seen[32, -1].min() == 200


def test_a_joint_is_at_the_highest_bin_and_as_sure_as_the_lower_side():
    columns, rows = np.zeros((3, 20), np.float32), np.zeros((3, 30), np.float32)
    columns[0, 7], rows[0, 21] = 0.9, 0.4
    columns[1, 2], rows[1, 3] = 0.2, 1.7
    columns[2], rows[2] = np.nan, -1
    places, scores = decode_distributions(columns, rows)
    assert places[0].tolist() == [3.5, 10.5]
    assert scores.tolist() == pytest.approx([0.4, 0.2, 0.0])


@pytest.mark.parametrize("batch", [1, "batch"])
@pytest.mark.parametrize(
    ("size", "model"),
    [((192, 256), (128, 96)), ((480, 270), (128, 96)), ((97, 301), (96, 96)), ((192, 256), (96, 128))],
)
def test_joints_come_back_to_where_they_are_in_the_picture(
    tmp_path: Path, size: tuple[int, int], model: tuple[int, int], batch: int | str
):
    height, width = size
    person = Person((0, 0), (width * 0.4, height * 0.5), (width * 0.55, height * 0.7))
    picture = draw_people([person], height, width)
    box = Box(width * 0.3, height * 0.25, width * 0.7, height * 0.85, 1)
    path = write_estimator(tmp_path / "e.onnx", *model, batch=batch)
    points = Estimator(path, "cpu").estimate(picture, box)
    pixel = max(1.0, 1 / window_around(box, *model).scale)
    assert np.abs(points.places[::2] - person.red).max() <= pixel
    assert np.abs(points.places[1::2] - person.green).max() <= pixel
    # Small joints fade where the picture is made smaller.
    assert 0.7 < points.scores.min() <= points.scores.max() < 0.95


def test_what_is_no_whole_body_model_is_refused(tmp_path: Path):
    text = tmp_path / "text.onnx"
    text.write_text("weights")
    for path, words in (
        (tmp_path / "absent.onnx", "no such file"),
        (text, "cannot be read as an ONNX model"),
        (write_detector(tmp_path / "d.onnx"), r"its outputs output \[1, 84, 6\]"),
        (write_estimator(tmp_path / "body.onnx", points=17), r"simcc_x \[1, 17, 192\] and simcc_y \[1, 17, 256\]"),
    ):
        with pytest.raises(InputError, match=words) as raised:
            check_estimator(path)
        assert str(raised.value).startswith(f"pose.estimator '{path}'")


def test_outputs_of_another_shape_than_could_be_read_are_refused(tmp_path: Path):
    path = write_estimator(tmp_path / "e.onnx", normal=False)
    check_estimator(path)
    with pytest.raises(InputError, match=r"its outputs have the shapes \[\[1, 133, 384\], \[1, 133, 512\]\]"):
        Estimator(path, "cpu").estimate(np.zeros((50, 50, 3), np.uint8), Box(0, 0, 50, 50, 1))
