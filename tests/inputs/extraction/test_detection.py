import math
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.extraction.boxes import Box, overlap
from s2v_runner.inputs.extraction.detection import (
    Detector,
    cell_grid,
    check_detector,
    decode_people,
    letterbox,
    suppress,
)
from tests.inputs.extraction.onnx_models import write_detector, write_estimator
from tests.inputs.extraction.people import SOMEBODY, Person, draw_people


def test_overlap_is_what_two_boxes_share_of_what_they_cover():
    assert overlap(Box(0, 0, 10, 10, 1), Box(5, 0, 15, 10, 1)) == pytest.approx(50 / 150)
    assert overlap(Box(0, 0, 10, 10, 1), Box(10, 0, 20, 10, 1)) == 0
    assert overlap(Box(3, 3, 3, 3, 1), Box(3, 3, 3, 3, 1)) == 0


def test_a_picture_is_scaled_until_it_fits_and_grey_stands_beside_it():
    whole, scale = letterbox(np.full((100, 200, 3), 7, np.uint8), 64, 64)
    assert scale == pytest.approx(0.32)
    assert whole.shape == (64, 64, 3)
    assert (whole[:32] == 7).all()
    assert (whole[32:] == 114).all()


def test_cells_come_by_stride_then_row_then_column():
    grid = cell_grid(64, 96)
    assert len(grid) == 8 * 12 + 4 * 6 + 2 * 3
    assert grid[13].tolist() == [1, 1, 8]
    assert grid[8 * 12 + 7].tolist() == [1, 1, 16]
    assert grid[-1].tolist() == [2, 1, 32]
    assert len(cell_grid(640, 640)) == 8400


def test_a_prediction_is_a_centre_in_its_cell_and_the_logarithm_of_a_size():
    predictions = np.zeros((84, 85), np.float32)
    # Row 2, column 3 of the cells of stride 16.
    predictions[64 + 2 * 4 + 3, :6] = 0.5, 0.25, math.log(2), math.log(3), 0.9, 0.8
    predictions[5, :7] = 0, 0, 0, 0, 0.9, 0.1, 0.9
    (box,) = decode_people(predictions, 64, 64, 0.3)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((56 - 16, 36 - 24, 56 + 16, 36 + 24), abs=1e-4)
    assert box.score == pytest.approx(0.72)


def test_predictions_that_are_no_numbers_are_nobody():
    predictions = np.zeros((84, 6), np.float32)
    predictions[3] = math.nan, 0, 0, 0, 1, 1
    predictions[4] = 0, 0, 1e30, 0, 1, 1
    predictions[5] = 0, 0, 0, 0, math.nan, 1
    assert all(math.isfinite(box.right) for box in decode_people(predictions, 64, 64, 0.3))
    assert len(decode_people(predictions[:, :], 64, 64, 0.3)) <= 1


def test_of_boxes_that_overlap_much_the_surest_is_kept():
    near, sure, far = Box(0, 0, 10, 20, 0.5), Box(1, 0, 11, 20, 0.9), Box(8, 0, 18, 20, 0.4)
    assert suppress([near, sure, far]) == [sure, far]


@pytest.mark.parametrize("size", [(192, 256), (256, 192), (101, 333), (40, 40)])
def test_people_are_found_where_they_are_whatever_the_size_of_the_picture(tmp_path: Path, size: tuple[int, int]):
    height, width = size
    scale = 64 / max(size)
    body = (width * 0.45, height * 0.55)
    picture = np.zeros((height, width, 3), np.uint8)
    rows, columns = np.mgrid[0:height, 0:width]
    picture[(abs(columns - body[0]) < 5 / scale) & (abs(rows - body[1]) < 5 / scale)] = (0, 0, 255)
    found = Detector(write_detector(tmp_path / "d.onnx"), "cpu").find(picture, 0.3)
    assert len(found) == 1
    # Centres of cells are half a stride from the truth at most.
    assert found[0].score > 0.3
    assert 0 <= found[0].left < body[0] < found[0].right <= width
    assert 0 <= found[0].top < body[1] < found[0].bottom <= height


def test_the_model_sees_blue_first_and_unchanged(tmp_path: Path):
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:24, 24:32] = (51, 0, 255)
    (found,) = Detector(write_detector(tmp_path / "d.onnx"), "cpu").find(picture, 0.3)
    assert found.score == pytest.approx(0.8, abs=1e-4)
    assert (found.left, found.top, found.right, found.bottom) == pytest.approx((16, 0, 40, 40), abs=1e-3)


def test_people_below_the_threshold_are_none(tmp_path: Path):
    detector = Detector(write_detector(tmp_path / "d.onnx"), "cpu")
    faint = Person(SOMEBODY.body, SOMEBODY.red, SOMEBODY.green, certainty=0.5)
    assert detector.find(draw_people([faint]), 0.6) == []
    assert len(detector.find(draw_people([faint]), 0.3)) == 1


@pytest.mark.parametrize("batch", [1, "batch"])
def test_sizes_that_a_model_leaves_open_are_no_hindrance(tmp_path: Path, batch: int | str):
    path = write_detector(tmp_path / "d.onnx", values=85, batch=batch, output=[batch, "cells", "values"])
    check_detector(path)
    assert len(Detector(path, "cpu").find(draw_people([SOMEBODY]), 0.3)) == 1


def test_what_is_no_yolox_is_refused(tmp_path: Path):
    text = tmp_path / "text.onnx"
    text.write_text("weights")
    empty = tmp_path / "empty.onnx"
    empty.write_bytes(b"")
    whole = write_detector(tmp_path / "whole.onnx").read_bytes()
    short = tmp_path / "short.onnx"
    short.write_bytes(whole[: len(whole) // 2])
    for path, words in (
        (tmp_path / "absent.onnx", "no such file"),
        (tmp_path, "it is a folder"),
        (text, "cannot be read as an ONNX model"),
        (empty, "cannot be read as an ONNX model"),
        (short, "cut short"),
        (write_estimator(tmp_path / "e.onnx"), r"its inputs are input \[1, 3, 128, 96\] and its outputs simcc_x"),
        (write_detector(tmp_path / "a.onnx", batch=2), r"images \[2, 3, 64, 64\]"),
        (write_detector(tmp_path / "b.onnx", output=[1, "boxes", 5]), r"\[1, boxes, 5\]"),
        (write_detector(tmp_path / "c.onnx", output=[1, 8400, 85]), r"\[1, 8400, 85\]"),
        (write_detector(tmp_path / "d.onnx", side=24), r"\[1, 3, 24, 24\]"),
    ):
        with pytest.raises(InputError, match=words) as raised:
            check_detector(path)
        assert str(raised.value).startswith(f"pose.detector '{path}'")
        assert "\n" not in str(raised.value)
