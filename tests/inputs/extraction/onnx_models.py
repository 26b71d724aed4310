"""Stand-ins for YOLOX and DWPose that see marks."""

import math
from pathlib import Path

import numpy as np

from tests.onnx_format import Dimensions, whole_number, whole_numbers, write_constant, write_model, write_node

STRIDE = 8
BOX_CELLS = (3, 5)
"""Width and height of every box, in cells of the smallest stride."""
COARSE_STRIDES = (16, 32)


def write_detector(
    path: Path, side: int = 64, values: int = 6, batch: int | str = 1, output: Dimensions | None = None
) -> Path:
    """Where blue is brighter than red, by as much as it is, somebody is, with a box of BOX_CELLS in the middle of them.

    `output` is the shape that is stated, where it is not the true one.
    """
    kernel = np.zeros((values, 3, STRIDE, STRIDE), np.float32)
    # Blue comes before green before red.
    kernel[4, 0], kernel[4, 2] = 1 / 255 / STRIDE**2, -1 / 255 / STRIDE**2
    bias = np.zeros(values, np.float32)
    bias[:6] = 0.5, 0.5, math.log(BOX_CELLS[0]), math.log(BOX_CELLS[1]), 0, 1
    cells = (side // STRIDE) ** 2
    coarse = sum((side // stride) ** 2 for stride in COARSE_STRIDES)
    nodes = [
        write_node("Conv", ["images", "kernel", "bias"], "seen", [whole_numbers("strides", [STRIDE, STRIDE])]),
        write_node("Reshape", ["seen", "rows"], "flat", []),
        write_node("Transpose", ["flat"], "fine", [whole_numbers("perm", [0, 2, 1])]),
        write_node("Concat", ["fine", "nobody"], "output", [whole_number("axis", 1)]),
    ]
    constants = [
        write_constant("kernel", kernel),
        write_constant("bias", bias),
        write_constant("rows", np.array([1, values, cells])),
        write_constant("nobody", np.zeros((1, coarse, values), np.float32)),
    ]
    stated = output if output is not None else [batch, cells + coarse, values]
    path.write_bytes(write_model(nodes, constants, [("images", [batch, 3, side, side])], [("output", stated)]))
    return path


def write_estimator(
    path: Path, height: int = 128, width: int = 96, points: int = 133, batch: int | str = 1, normal: bool = True
) -> Path:
    """Even key points are where red is brightest, odd ones where green is, and as certain as it is bright.

    With `normal` false the outputs are twice as wide as they should be, which the file does not state.
    """
    mean, deviation = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    kernel, bias = np.zeros((points, 3, 1, 1), np.float32), np.zeros(points, np.float32)
    for point in range(points):
        channel = point % 2
        kernel[point, channel], bias[point] = deviation[channel] / 255, mean[channel] / 255
    nodes = [write_node("Conv", ["input", "kernel", "bias"], "seen", [])]
    bins = 2 if normal else 4
    for name, other in (("x", 2), ("y", 3)):
        nodes += [
            write_node(
                "ReduceMax", ["seen"], f"{name}1", [whole_numbers("axes", [other]), whole_number("keepdims", 0)]
            ),
            write_node("Reshape", [f"{name}1", f"{name}column"], f"{name}2", []),
            # Of the bins of a pixel the first is the highest.
            write_node("MatMul", [f"{name}2", "falling"], f"{name}3", []),
            write_node("Reshape", [f"{name}3", f"{name}row"], f"simcc_{name}", []),
        ]
    constants = [write_constant("kernel", kernel), write_constant("bias", bias)]
    constants += [write_constant("falling", np.linspace(1, 0.9, bins, dtype=np.float32)[None])]
    for name, size in (("x", width), ("y", height)):
        constants += [write_constant(f"{name}column", np.array([1, points, size, 1]))]
        constants += [write_constant(f"{name}row", np.array([1, points, size * bins]))]
    outputs = [("simcc_x", [batch, points, 2 * width]), ("simcc_y", [batch, points, 2 * height])]
    if not normal:
        outputs = [("simcc_x", [batch, points, "columns"]), ("simcc_y", [batch, points, "rows"])]
    path.write_bytes(write_model(nodes, constants, [("input", [batch, 3, height, width])], outputs))
    return path
