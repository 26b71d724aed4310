"""Stand-ins for YOLOX and DWPose that see marks, written as the ONNX format has it, for want of the package that does.

The numbers of the fields are those of onnx/onnx.proto in onnx/onnx. Each field is a tag, which holds its number and its
kind, and a whole number of seven bits a byte or so many bytes.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

STRIDE = 8
BOX_CELLS = (3, 5)
"""Width and height of every box, in cells of the smallest stride."""
COARSE_STRIDES = (16, 32)
_FLOAT, _WHOLE = 1, 7
Dimensions = Sequence[int | str]


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
        _node("Conv", ["images", "kernel", "bias"], "seen", [_whole_numbers("strides", [STRIDE, STRIDE])]),
        _node("Reshape", ["seen", "rows"], "flat", []),
        _node("Transpose", ["flat"], "fine", [_whole_numbers("perm", [0, 2, 1])]),
        _node("Concat", ["fine", "nobody"], "output", [_whole_number("axis", 1)]),
    ]
    constants = [
        _constant("kernel", kernel),
        _constant("bias", bias),
        _constant("rows", np.array([1, values, cells])),
        _constant("nobody", np.zeros((1, coarse, values), np.float32)),
    ]
    stated = output if output is not None else [batch, cells + coarse, values]
    return _write(path, nodes, constants, [("images", [batch, 3, side, side])], [("output", stated)])


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
    nodes = [_node("Conv", ["input", "kernel", "bias"], "seen", [])]
    bins = 2 if normal else 4
    for name, other in (("x", 2), ("y", 3)):
        nodes += [
            _node("ReduceMax", ["seen"], f"{name}1", [_whole_numbers("axes", [other]), _whole_number("keepdims", 0)]),
            _node("Reshape", [f"{name}1", f"{name}column"], f"{name}2", []),
            # Of the bins of a pixel the first is the highest.
            _node("MatMul", [f"{name}2", "falling"], f"{name}3", []),
            _node("Reshape", [f"{name}3", f"{name}row"], f"simcc_{name}", []),
        ]
    constants = [_constant("kernel", kernel), _constant("bias", bias)]
    constants += [_constant("falling", np.linspace(1, 0.9, bins, dtype=np.float32)[None])]
    for name, size in (("x", width), ("y", height)):
        constants += [_constant(f"{name}column", np.array([1, points, size, 1]))]
        constants += [_constant(f"{name}row", np.array([1, points, size * bins]))]
    outputs = [("simcc_x", [batch, points, 2 * width]), ("simcc_y", [batch, points, 2 * height])]
    if not normal:
        outputs = [("simcc_x", [batch, points, "columns"]), ("simcc_y", [batch, points, "rows"])]
    return _write(path, nodes, constants, [("input", [batch, 3, height, width])], outputs)


def _write(
    path: Path,
    nodes: Sequence[bytes],
    constants: Sequence[bytes],
    inputs: Sequence[tuple[str, Dimensions]],
    outputs: Sequence[tuple[str, Dimensions]],
) -> Path:
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, b"marks"),
            *(_bytes(5, constant) for constant in constants),
            *(_bytes(11, _value(*value)) for value in inputs),
            *(_bytes(12, _value(*value)) for value in outputs),
        ]
    )
    ir_version, opset = 8, 13
    path.write_bytes(_number(1, ir_version) + _bytes(7, graph) + _bytes(8, _number(2, opset)))
    return path


def _node(operator: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes]) -> bytes:
    fields = [_bytes(1, name.encode()) for name in inputs] + [_bytes(2, output.encode()), _bytes(4, operator.encode())]
    return b"".join(fields + [_bytes(5, attribute) for attribute in attributes])


def _whole_number(name: str, value: int) -> bytes:
    kind = 2
    return _bytes(1, name.encode()) + _number(3, value) + _number(20, kind)


def _whole_numbers(name: str, values: Sequence[int]) -> bytes:
    kind = 7
    return _bytes(1, name.encode()) + b"".join(_number(8, value) for value in values) + _number(20, kind)


def _constant(name: str, value: np.ndarray) -> bytes:
    whole = value.dtype != np.float32
    content = value.astype("<i8" if whole else "<f4").tobytes()
    sizes = b"".join(_number(1, size) for size in value.shape)
    return sizes + _number(2, _WHOLE if whole else _FLOAT) + _bytes(8, name.encode()) + _bytes(9, content)


def _value(name: str, shape: Dimensions) -> bytes:
    sizes = b"".join(
        _bytes(1, _number(1, size) if isinstance(size, int) else _bytes(2, size.encode())) for size in shape
    )
    tensor = _number(1, _FLOAT) + _bytes(2, sizes)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
