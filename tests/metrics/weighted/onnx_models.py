"""ONNX models of one or two steps, written as the format has it, for want of the package that does.

The numbers of the fields are those of onnx/onnx.proto in onnx/onnx. Each field is a tag, which holds its number and its
kind, and a whole number of seven bits a byte or so many bytes.
"""

from collections.abc import Sequence

_FLOAT = 1


def write_face_model(side: int, embedding_size: int, batch: int | str) -> bytes:
    """Faces [batch, 3, side, side] → the first values of the rows that are left of every seventh: [batch, size]."""
    steps = [
        _node(
            "AveragePool",
            ["face"],
            "small",
            [_whole_numbers("kernel_shape", [7, 7]), _whole_numbers("strides", [7, 7])],
        ),
        _node("Flatten", ["small"], "flat", []),
        _node("Slice", ["flat", "starts", "ends", "axes"], "embedding", []),
    ]
    constants = [_constant("starts", 0), _constant("ends", embedding_size), _constant("axes", 1)]
    graph = b"".join(
        [
            *(_bytes(1, step) for step in steps),
            _bytes(2, b"faces"),
            *(_bytes(5, constant) for constant in constants),
            _bytes(11, _value("face", [batch, 3, side, side])),
            _bytes(12, _value("embedding", [batch, embedding_size])),
        ]
    )
    ir_version, opset = 8, 13
    return _number(1, ir_version) + _bytes(7, graph) + _bytes(8, _number(2, opset))


def _node(operator: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes]) -> bytes:
    fields = [_bytes(1, name.encode()) for name in inputs] + [_bytes(2, output.encode()), _bytes(4, operator.encode())]
    return b"".join(fields + [_bytes(5, attribute) for attribute in attributes])


def _whole_numbers(name: str, values: Sequence[int]) -> bytes:
    kind = 7
    return _bytes(1, name.encode()) + b"".join(_number(8, value) for value in values) + _number(20, kind)


def _constant(name: str, value: int) -> bytes:
    """One whole number of 64 bits, in a list."""
    kind = 7
    return _number(1, 1) + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, value.to_bytes(8, "little"))


def _value(name: str, shape: Sequence[int | str]) -> bytes:
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
