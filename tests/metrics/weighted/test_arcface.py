"""CSIM, with a model whose embedding of a face is a small copy of it."""

import re
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.metrics.views import Box
from s2v_runner.metrics.weighted import files
from s2v_runner.metrics.weighted.arcface import FRAMING, ArcFaceGauge
from s2v_runner.metrics.weighted.faces import cut_face
from tests.metrics.weighted.onnx_models import write_face_model
from tests.metrics.weighted.videos import FACE, draw, make_view, show, the_value

# A box whose framing is the whole of a square picture.
WHOLE = Box((1 - 1 / FRAMING.side) / 2, FRAMING.above / FRAMING.side, 1 / FRAMING.side, 1 / FRAMING.side)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "w600k_r50.onnx"
    path.write_bytes(write_face_model(112, 512, "N"))
    return path


def halves(axis: int) -> np.ndarray:
    """Black and white, one beside the other or above it."""
    picture = np.zeros((112, 112, 3), np.uint8)
    (picture if axis == 0 else picture.swapaxes(0, 1))[:56] = 255
    return picture


def test_the_face_of_the_picture_itself(model: Path):
    picture = draw(0, 120, 160)
    measures = show(ArcFaceGauge(model, picture, FACE, 16), [picture] * 5, FACE)
    assert the_value(measures, "face_similarity") == pytest.approx(1)


def test_orthogonal_and_opposite_faces(model: Path):
    gauge = ArcFaceGauge(model, halves(0), WHOLE, 16)
    assert the_value(show(gauge, [halves(1)], WHOLE), "face_similarity") == pytest.approx(0, abs=1e-6)
    gauge = ArcFaceGauge(model, halves(0), WHOLE, 16)
    assert the_value(show(gauge, [255 - halves(0)], WHOLE), "face_similarity") == pytest.approx(-1)


def test_faces_are_preprocessed_as_insightface_does(model: Path):
    # Red before green before blue, and (x - 127.5) / 127.5; the model takes the first 512 of 768 means of 7 by 7.
    def embed(rgb: np.ndarray) -> np.ndarray:
        levels = (cut_face(rgb, FACE, FRAMING).astype(float) - 127.5) / 127.5
        return levels.transpose(2, 0, 1).reshape(3, 16, 7, 16, 7).mean((2, 4)).ravel()[:512]

    picture, frame = draw(1, 120, 160), draw(2, 120, 160)
    one, other = embed(picture), embed(frame)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    measures = show(ArcFaceGauge(model, picture, FACE, 16), [frame], FACE)
    assert the_value(measures, "face_similarity") == pytest.approx(cosine, abs=1e-5)


def test_frames_without_a_face_are_left_out(model: Path):
    gauge = ArcFaceGauge(model, halves(0), WHOLE, 4)
    for index, face in enumerate((WHOLE, None, WHOLE)):
        gauge.take(make_view(index, halves(1) if face is None else halves(0), face))
    assert the_value(gauge.read(), "face_similarity") == pytest.approx(1)


@pytest.mark.parametrize(
    ("picture_face", "face", "reason"), [(FACE, None, "no face was found;"), (None, FACE, "in the picture;")]
)
def test_without_a_face_nothing_is_known(model: Path, picture_face: Box | None, face: Box | None, reason: str):
    measures = show(ArcFaceGauge(model, draw(0, 40, 40), picture_face, 16), [draw(0, 40, 40)], face)
    assert reason in (measures["face_similarity"].reason or "")


def test_a_model_of_one_face_at_a_time_will_do(tmp_path: Path):
    (tmp_path / "r50.onnx").write_bytes(write_face_model(112, 512, 1))
    measures = show(ArcFaceGauge(tmp_path / "r50.onnx", halves(0), WHOLE, 16), [halves(0)], WHOLE)
    assert the_value(measures, "face_similarity") == pytest.approx(1)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (write_face_model(160, 512, "N"), "inputs have the shapes [['N', 3, 160, 160]] and its outputs [['N', 512]]"),
        (write_face_model(112, 128, "N"), "inputs have the shapes [['N', 3, 112, 112]] and its outputs [['N', 128]]"),
        (write_face_model(112, 512, 8), "inputs have the shapes [[8, 3, 112, 112]] and its outputs [[8, 512]]"),
        (write_face_model(112, 512, "N")[:200], "onnxruntime cannot load it"),
        (b"GIF89a", "it is no ONNX model"),
    ],
)
def test_other_models_are_refused(tmp_path: Path, content: bytes, problem: str):
    (tmp_path / "other.onnx").write_bytes(content)
    with pytest.raises(InputError, match=f"metrics.arcface='.*other.onnx': .*{re.escape(problem)}") as caught:
        ArcFaceGauge(tmp_path / "other.onnx", draw(0, 40, 40), FACE, 16)
    assert "\n" not in str(caught.value)
    assert "w600k_r50.onnx" in caught.value.remedy


def test_without_onnxruntime_it_is_said_how_to_get_it(model: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 's2v-runner\[metrics\]'"):
        ArcFaceGauge(model, draw(0, 40, 40), FACE, 16)
