"""From what, and how surely, poses are taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings:
    """The settings of `conf/pose`, which has their defaults."""

    detector: Path
    """A YOLOX model in ONNX that finds people, such as yolox_l.onnx of DWPose."""
    estimator: Path
    """A whole-body model in ONNX with 133 key points, such as dw-ll_ucoco_384.onnx of DWPose."""
    device: str
    """`cpu`, `cuda` or `cuda:0`."""
    person_threshold: float
    """People who are less certain are none."""
    joint_threshold: float
    """Joints that are less certain are not drawn."""
    person: Literal["largest", "centre"]
    """Who is followed, of those in the first frame that has any."""
