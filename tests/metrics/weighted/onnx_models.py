"""ONNX models of one or two steps, in the place of those that recognise faces."""

import numpy as np

from tests.onnx_format import whole_numbers, write_constant, write_model, write_node


def write_face_model(side: int, embedding_size: int, batch: int | str) -> bytes:
    """Faces [batch, 3, side, side] → the first values of the rows that are left of every seventh: [batch, size]."""
    steps = [
        write_node(
            "AveragePool",
            ["face"],
            "small",
            [whole_numbers("kernel_shape", [7, 7]), whole_numbers("strides", [7, 7])],
        ),
        write_node("Flatten", ["small"], "flat", []),
        write_node("Slice", ["flat", "starts", "ends", "axes"], "embedding", []),
    ]
    numbers = {"starts": 0, "ends": embedding_size, "axes": 1}
    constants = [write_constant(name, np.array([number])) for name, number in numbers.items()]
    shapes = [("face", [batch, 3, side, side])], [("embedding", [batch, embedding_size])]
    return write_model(steps, constants, *shapes)
