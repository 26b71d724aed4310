"""Where a person's joints are, by DWPose.

Yang et al., "Effective Whole-body Pose Estimation with Two-stages Distillation" (ICCVW 2023): RTMPose with 133 key
points of COCO-WholeBody, whose outputs are two distributions a joint, along the columns and along the rows (SimCC).
Preparation and decoding: onnxpose.py of DWPose's branch onnx.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2v_runner.inputs.extraction.boxes import Box
from s2v_runner.inputs.extraction.header import Header
from s2v_runner.inputs.extraction.session import Network, agrees, in_words, read_model_header, refuse

_KEY = "pose.estimator"
_MEANT = "a whole-body model of DWPose or RTMPose in ONNX with 133 key points, such as dw-ll_ucoco_384.onnx"
KEY_POINTS = 133
_BINS = 2
"""Of the distributions, for each pixel of the input (`simcc_split_ratio`)."""
_ROOM = 1.25
"""How much larger than the box the part of the picture is that the model sees."""
_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
"""Of ImageNet, red before green before blue."""


@dataclass(frozen=True)
class KeyPoints:
    """Of one person, in the order of COCO-WholeBody."""

    places: np.ndarray
    """Columns and rows in the picture [133, 2], float32; they may lie outside it."""
    scores: np.ndarray
    """How certain each is [133], float32: 0 for none, about 1 for a plain one, and it may be more."""


@dataclass(frozen=True)
class Window:
    """The part of a picture that the model sees, in pixels of the picture."""

    left: float
    top: float
    scale: float
    """Pixels of the model's input for each of the picture."""


def check_estimator(path: Path) -> None:
    """Raises InputError for a file that is missing or is no such model. Loads nothing."""
    _input_size(path, read_model_header(_KEY, path, _MEANT))


class Estimator:
    """A loaded whole-body model."""

    def __init__(self, path: Path, device: str) -> None:
        """Raises InputError for a file that is missing or is no such model."""
        self._path = path
        self._height, self._width = _input_size(path, read_model_header(_KEY, path, _MEANT))
        self._network = Network(_KEY, path, device, _MEANT)
        self.warnings = self._network.warnings

    def estimate(self, rgb: np.ndarray, person: Box) -> KeyPoints:
        """The key points of the person in a box of a picture [rows, columns, 3], 8 bits."""
        window = window_around(person, self._height, self._width)
        seen = (cut(rgb, window, self._height, self._width).astype(np.float32) - _MEAN) / _DEVIATION
        outputs = self._network.run(np.ascontiguousarray(seen.transpose(2, 0, 1)[None]))
        shapes = [output.shape for output in outputs]
        if shapes != [(1, KEY_POINTS, _BINS * self._width), (1, KEY_POINTS, _BINS * self._height)]:
            raise refuse(_KEY, self._path, f"its outputs have the shapes {[list(shape) for shape in shapes]}", _MEANT)
        places, scores = decode_distributions(outputs[0][0], outputs[1][0])
        return KeyPoints(places / window.scale + np.array([window.left, window.top], np.float32), scores)


def window_around(box: Box, height: int, width: int) -> Window:
    """What the model sees of a box: all of it with some room, at the aspect of the model's input."""
    seen = max(box.width * _ROOM / width, box.height * _ROOM / height, 1 / width)
    column, row = box.centre
    return Window(left=column - seen * width / 2, top=row - seen * height / 2, scale=1 / seen)


def cut(rgb: np.ndarray, window: Window, height: int, width: int) -> np.ndarray:
    """A window of a picture as the model's input [height, width, 3], black beyond the picture."""
    # Slow to import.
    import cv2

    matrix = np.array(
        [[window.scale, 0, -window.left * window.scale], [0, window.scale, -window.top * window.scale]], np.float64
    )
    return cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_LINEAR)


def decode_distributions(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in the model's input [points, 2] and scores [points], from distributions [points, bins] along each side.

    A place is where they are highest, and as certain as the lower of the two heights.
    """
    places = np.stack([columns.argmax(axis=1), rows.argmax(axis=1)], axis=1).astype(np.float32) / _BINS
    scores = np.minimum(columns.max(axis=1), rows.max(axis=1)).astype(np.float32)
    # What is no number is no joint.
    return places, np.maximum(np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0), 0.0)


def _input_size(path: Path, header: Header) -> tuple[int, int]:
    """Height and width that the model asks for. Raises InputError where it is no such model."""
    shape = header.inputs[0].shape if len(header.inputs) == 1 else None
    if shape is not None and len(shape) == 4 and len(header.outputs) == 2:
        height, width = shape[2:]
        if isinstance(height, int) and isinstance(width, int) and min(height, width) > 0:
            wanted = ((1, 3, height, width), (1, KEY_POINTS, _BINS * width), (1, KEY_POINTS, _BINS * height))
            if all(map(agrees, (header.inputs[0], *header.outputs), wanted)):
                return height, width
    problem = f"its inputs are {in_words(header.inputs)} and its outputs {in_words(header.outputs)}"
    raise refuse(_KEY, path, problem, _MEANT)
