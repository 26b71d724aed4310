"""What an ONNX file says of its inputs and outputs, read without loading the model.

The numbers of the fields are those of onnx/onnx.proto in onnx/onnx. Each field is a tag, which holds its number and its
kind, and then a whole number of seven bits a byte, four or eight bytes, or a length and so many bytes. What is not
wanted is stepped over, so that the weights are never read from the disk.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Dimension = int | str | None
"""A size; the name of one that is free; or None where nothing is said."""

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_VARINT = 10

_MODEL_GRAPH = 7
_GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 5, 11, 12
_INITIALIZER_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR = 1
_TENSOR_ELEMENTS, _TENSOR_SHAPE = 1, 2
_SHAPE_DIMENSION = 1
_DIMENSION_SIZE, _DIMENSION_NAME = 1, 2

_FLOAT = 1


@dataclass(frozen=True)
class Tensor:
    """An input or an output of a model."""

    name: str
    is_float: bool
    """Of 32 bits."""
    shape: tuple[Dimension, ...] | None
    """None where nothing is said of it."""


@dataclass(frozen=True)
class Header:
    """The inputs that a model asks for and the outputs that it gives, in order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read_header(path: Path) -> Header:
    """Raises ValueError for what is no ONNX model or is cut short, OSError for what cannot be read."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        graphs = [value for number, value in _fields(content, range(len(content))) if number == _MODEL_GRAPH]
        if len(graphs) != 1 or not isinstance(graphs[0], range):
            raise ValueError("it has no graph")
        return _read_graph(content, graphs[0])


def _read_graph(content: mmap.mmap, graph: range) -> Header:
    initial: set[str] = set()
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []
    for number, value in _fields(content, graph):
        if number == _GRAPH_INITIALIZER:
            initial.add(_text(content, _last(content, value, _INITIALIZER_NAME)))
        elif number == _GRAPH_INPUT:
            inputs.append(_read_value(content, value))
        elif number == _GRAPH_OUTPUT:
            outputs.append(_read_value(content, value))
    # Models of early versions list their weights among the inputs.
    return Header(tuple(tensor for tensor in inputs if tensor.name not in initial), tuple(outputs))


def _read_value(content: mmap.mmap, where: range | int) -> Tensor:
    name = _text(content, _last(content, where, _VALUE_NAME))
    tensor = _last(content, _last(content, where, _VALUE_TYPE), _TYPE_TENSOR)
    shape = _last(content, tensor, _TENSOR_SHAPE)
    sizes = None
    if shape is not None:
        sizes = tuple(
            _read_dimension(content, one) for number, one in _within(content, shape) if number == _SHAPE_DIMENSION
        )
    return Tensor(name, _last(content, tensor, _TENSOR_ELEMENTS) == _FLOAT, sizes)


def _read_dimension(content: mmap.mmap, where: range | int) -> Dimension:
    size = _last(content, where, _DIMENSION_SIZE)
    if isinstance(size, int):
        return size
    return _text(content, _last(content, where, _DIMENSION_NAME)) or None


def _last(content: mmap.mmap, where: range | int | None, wanted: int) -> range | int | None:
    """The value of a field; the last of several counts. None where there is none."""
    found = None
    for number, value in _within(content, where):
        if number == wanted:
            found = value
    return found


def _text(content: mmap.mmap, where: range | int | None) -> str:
    if not isinstance(where, range):
        return ""
    return content[where.start : where.stop].decode(errors="replace")


def _within(content: mmap.mmap, where: range | int | None) -> Iterator[tuple[int, range | int]]:
    return _fields(content, where if isinstance(where, range) else range(0))


def _fields(content: mmap.mmap, where: range) -> Iterator[tuple[int, range | int]]:
    """The fields of a message: the number of each, and where its bytes are or what its whole number is."""
    position = where.start
    while position < where.stop:
        tag, position = _read_varint(content, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _read_varint(content, position)
            yield number, value
            continue
        if kind == _BYTES:
            length, position = _read_varint(content, position)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError("it is no ONNX model")
        if number == 0 or position + length > where.stop:
            raise ValueError("it is cut short, or no ONNX model")
        yield number, range(position, position + length)
        position += length


def _read_varint(content: mmap.mmap, position: int) -> tuple[int, int]:
    value = 0
    for count in range(_LONGEST_VARINT):
        if position + count >= len(content):
            break
        byte = content[position + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, position + count + 1
    raise ValueError("it is cut short, or no ONNX model")
