"""ONNX models, written as the format has it, for want of the package that does.

The numbers of the fields are those of onnx/onnx.proto in onnx/onnx. Each field is a tag, which holds its number and its
kind, and a whole number of seven bits a byte or so many bytes.
"""

from collections.abc import Sequence

import numpy as np

Dimensions = Sequence[int | str]
"""A name in the place of a size that is left open."""

_FLOAT, _WHOLE = 1, 7
_IR_VERSION, _OPSET = 8, 13


def write_model(
    nodes: Sequence[bytes],
    constants: Sequence[bytes],
    inputs: Sequence[tuple[str, Dimensions]],
    outputs: Sequence[tuple[str, Dimensions]],
) -> bytes:
    """A model of these steps, whose inputs and outputs are float32."""
    graph = b"".join(
        [
            *(_bytes(1, node) for node in nodes),
            _bytes(2, b"graph"),
            *(_bytes(5, constant) for constant in constants),
            *(_bytes(11, _value(*value)) for value in inputs),
            *(_bytes(12, _value(*value)) for value in outputs),
        ]
    )
    return _number(1, _IR_VERSION) + _bytes(7, graph) + _bytes(8, _number(2, _OPSET))


def write_node(operator: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes]) -> bytes:
    """One step."""
    fields = [_bytes(1, name.encode()) for name in inputs] + [_bytes(2, output.encode()), _bytes(4, operator.encode())]
    return b"".join(fields + [_bytes(5, attribute) for attribute in attributes])


def write_constant(name: str, value: np.ndarray) -> bytes:
    """Numbers that are part of the model, float32 or whole."""
    whole = value.dtype != np.float32
    content = value.astype("<i8" if whole else "<f4").tobytes()
    sizes = b"".join(_number(1, size) for size in value.shape)
    return sizes + _number(2, _WHOLE if whole else _FLOAT) + _bytes(8, name.encode()) + _bytes(9, content)


def whole_number(name: str, value: int) -> bytes:
    """An attribute of a step."""
    kind = 2
    return _bytes(1, name.encode()) + _number(3, value) + _number(20, kind)


def whole_numbers(name: str, values: Sequence[int]) -> bytes:
    """An attribute of a step."""
    kind = 7
    return _bytes(1, name.encode()) + b"".join(_number(8, value) for value in values) + _number(20, kind)


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
