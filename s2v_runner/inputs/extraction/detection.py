"""Where people are in a picture, by YOLOX.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021". The published models are exported with their boxes still relative to
the cells that found them. Preparation and decoding: `preprocess` and `demo_postprocess` of yolox/utils/demo_utils.py in
Megvii-BaseDetection/YOLOX, and onnxdet.py of DWPose's branch onnx.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from s2v_runner.errors import InputError
from s2v_runner.inputs.extraction.boxes import Box, overlap
from s2v_runner.inputs.extraction.header import Header
from s2v_runner.inputs.extraction.session import Network, agrees, in_words, read_model_header, refuse

_KEY = "pose.detector"
_MEANT = "a YOLOX model in ONNX without suppression of its own, such as yolox_l.onnx of DWPose"
_STRIDES = (8, 16, 32)
_GROUND = 114
"""What the models were trained to see beside a picture of another aspect."""
_OVERLAP = 0.45
"""Of two boxes that have more in common, the less certain one is the same person."""
_BOX = 4
_PERSON = 5
"""After the box and the certainty that there is anything: the first class of COCO."""
_FURTHEST = 80.0
"""The exponential of more is no number in 32 bits."""


def check_detector(path: Path) -> None:
    """Raises InputError for a file that is missing or is no such model. Loads nothing."""
    _input_size(path, read_model_header(_KEY, path, _MEANT))


class Detector:
    """A loaded YOLOX model."""

    def __init__(self, path: Path, device: str) -> None:
        """Raises InputError for a file that is missing or is no such model."""
        self._path = path
        self._height, self._width = _input_size(path, read_model_header(_KEY, path, _MEANT))
        self._network = Network(_KEY, path, device, _MEANT)
        self.warnings = self._network.warnings

    def find(self, rgb: np.ndarray, threshold: float) -> list[Box]:
        """The people in a picture [rows, columns, 3], 8 bits, the most certain first, none less so than `threshold`."""
        picture, scale = letterbox(rgb, self._height, self._width)
        # Both YOLOX and MMDetection train it on blue before green before red, from 0 to 255.
        batch = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None], np.float32)
        output = self._network.run(batch)[0]
        cells = len(cell_grid(self._height, self._width))
        if output.ndim != 3 or output.shape[:2] != (1, cells) or output.shape[2] <= _PERSON:
            raise refuse(_KEY, self._path, f"its output has the shape {list(output.shape)}", _MEANT)
        found = decode_people(output[0], self._height, self._width, threshold)
        rows, columns = rgb.shape[:2]
        return [_clip(box, scale, rows, columns) for box in suppress(found)]


def letterbox(rgb: np.ndarray, height: int, width: int) -> tuple[np.ndarray, float]:
    """A picture scaled until it fits, in the upper left corner of a grey one, and by how much it was scaled."""
    # Slow to import.
    import cv2

    scale = min(height / rgb.shape[0], width / rgb.shape[1])
    rows, columns = max(1, int(rgb.shape[0] * scale)), max(1, int(rgb.shape[1] * scale))
    whole = np.full((height, width, 3), _GROUND, np.uint8)
    whole[:rows, :columns] = cv2.resize(rgb, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return whole, scale


def cell_grid(height: int, width: int) -> np.ndarray:
    """Column, row and stride of every cell [cells, 3], in the order of the model's output."""
    grids = []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        grids.append(np.stack([columns.ravel(), rows.ravel(), np.full(rows.size, stride)], axis=1))
    return np.concatenate(grids).astype(np.float32)


def decode_people(predictions: np.ndarray, height: int, width: int, threshold: float) -> list[Box]:
    """The boxes of people in pixels of the model's input, from its output [cells, 5 + classes].

    The output of a cell is the centre of a box from its own corner and the logarithm of its size, both in strides, then
    how certain it is that there is anything, and that it is of each class.
    """
    scores = predictions[:, _BOX] * predictions[:, _PERSON]
    certain = scores >= threshold
    some, grid = predictions[certain], cell_grid(height, width)[certain]
    centres = (some[:, :2] + grid[:, :2]) * grid[:, 2:]
    halves = np.exp(np.minimum(some[:, 2:4], _FURTHEST)) * grid[:, 2:] / 2
    corners = np.concatenate([centres - halves, centres + halves], axis=1)
    sound = np.isfinite(corners).all(axis=1)
    found = np.concatenate([corners, scores[certain, None]], axis=1)[sound].tolist()
    return [Box(left, top, right, bottom, score) for left, top, right, bottom, score in found]


def suppress(boxes: list[Box]) -> list[Box]:
    """One box for each person, the most certain first."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(overlap(box, other) <= _OVERLAP for other in kept):
            kept.append(box)
    return kept


def _clip(box: Box, scale: float, rows: int, columns: int) -> Box:
    """From the model's input to the picture, and not beyond it."""
    return replace(
        box,
        left=min(max(box.left / scale, 0.0), columns),
        top=min(max(box.top / scale, 0.0), rows),
        right=min(max(box.right / scale, 0.0), columns),
        bottom=min(max(box.bottom / scale, 0.0), rows),
    )


def _input_size(path: Path, header: Header) -> tuple[int, int]:
    """Height and width that the model asks for. Raises InputError where it is no such model."""
    size = _square_of(header)
    if size is None:
        raise _other(path, header)
    height, width = size
    shape = header.outputs[0].shape
    cells = len(cell_grid(height, width))
    classes = shape[2] if shape is not None and len(shape) == 3 and isinstance(shape[2], int) else _PERSON + 1
    if classes <= _PERSON or not agrees(header.outputs[0], (1, cells, classes)):
        raise _other(path, header)
    return height, width


def _square_of(header: Header) -> tuple[int, int] | None:
    if len(header.inputs) != 1 or len(header.outputs) != 1:
        return None
    shape = header.inputs[0].shape
    if shape is None or len(shape) != 4:
        return None
    height, width = shape[2:]
    if not isinstance(height, int) or not isinstance(width, int) or min(height, width) < _STRIDES[-1]:
        return None
    return (height, width) if agrees(header.inputs[0], (1, 3, height, width)) else None


def _other(path: Path, header: Header) -> InputError:
    problem = f"its inputs are {in_words(header.inputs)} and its outputs {in_words(header.outputs)}"
    return refuse(_KEY, path, problem, _MEANT)
