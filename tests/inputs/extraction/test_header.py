from pathlib import Path

import pytest

from s2v_runner.inputs.extraction.header import Tensor, read_header
from tests.inputs.extraction.onnx_models import write_detector, write_estimator


def test_inputs_and_outputs_are_those_that_onnxruntime_states(tmp_path: Path):
    import onnxruntime

    for path in (write_detector(tmp_path / "d.onnx"), write_estimator(tmp_path / "e.onnx")):
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        header = read_header(path)
        for ours, theirs in ((header.inputs, session.get_inputs()), (header.outputs, session.get_outputs())):
            assert [(tensor.name, list(tensor.shape or [])) for tensor in ours] == [
                (value.name, value.shape) for value in theirs
            ]


def test_open_sizes_have_their_names(tmp_path: Path):
    header = read_header(write_detector(tmp_path / "d.onnx", batch="batch", output=["batch", "cells", 6]))
    assert header.inputs == (Tensor("images", True, ("batch", 3, 64, 64)),)
    assert header.outputs == (Tensor("output", True, ("batch", "cells", 6)),)


def test_weights_among_the_inputs_are_no_inputs(tmp_path: Path):
    # A graph with the weight w, and the inputs w and x without a type; x has fields of all kinds.
    weight = bytes([0x42, 1]) + b"w"
    graph = b"".join(
        [
            bytes([0x2A, len(weight)]) + weight,
            bytes([0x5A, 3, 0x0A, 1]) + b"w",
            bytes([0x5A, 17, 0x0A, 1]) + b"x" + bytes([0x1D, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0]),
        ]
    )
    path = tmp_path / "m.onnx"
    path.write_bytes(bytes([0x08, 8, 0x3A, len(graph)]) + graph)
    assert read_header(path).inputs == (Tensor("x", False, None),)


def test_no_part_of_a_model_is_taken_for_a_whole_one(tmp_path: Path):
    whole = write_detector(tmp_path / "d.onnx").read_bytes()
    path = tmp_path / "part.onnx"
    # The last fields are the version of the operators, without which nothing here is missed.
    for length in range(1, len(whole) - 8, 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut short|no graph|no ONNX model"):
            read_header(path)


@pytest.mark.parametrize("content", [b"\x00\x00\x00\x00", b"PK\x03\x04" + bytes(60), b"\xff" * 40, b"\x0b", b"\x08"])
def test_what_is_no_model_is_told(tmp_path: Path, content: bytes):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_header(path)
