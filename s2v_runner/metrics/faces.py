"""Where the face is, in every frame.

Found by the cascade that comes with OpenCV (P. Viola, M. Jones: Rapid object detection using a boosted cascade of
simple features. CVPR 2001; the cascade is R. Lienhart's `haarcascade_frontalface_alt2`) now and then, and carried along
by the optical flow between. It knows faces that look into the camera, those of light skin better than those of dark.
"""

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from s2v_runner.metrics.views import Box

_CASCADE = "haarcascade_frontalface_alt2.xml"
_SIDE = 256
"""Longer side of the pictures that are searched, larger or smaller ones being brought to it."""
_SMALLEST_FACE = 40
_SCALE_STEP, _NEIGHBOURS = 1.1, 4
_AS_LARGE = 0.6
"""Of the largest face's width: another that has it may as well be the one that speaks."""
_EVERY = 4
"""Frames from one search to the next."""
_TRUST = 0.25
"""Share of what is newly found in where the face is said to be, so that it does not tremble."""
# The part of the box that moves with the head whatever the mouth does: eyes and nose.
_RIGID_ROWS, _RIGID_COLUMNS = (0.15, 0.65), (0.2, 0.8)


class FaceTrack(Protocol):
    """Follows one face through a video."""

    problem: str | None
    """Why it cannot be told whose face is meant."""
    in_picture: Box | None
    """Where it is in the picture that was given."""

    def follow(self, index: int, small_luma: np.ndarray, flow: np.ndarray | None) -> Box | None:
        """Where the face is in the next frame; None as long as none was found."""
        ...


class FixedFace:
    """A face that is where somebody says it is."""

    def __init__(self, box: Box) -> None:
        self.problem: str | None = None
        self.in_picture: Box | None = box

    def follow(self, index: int, small_luma: np.ndarray, flow: np.ndarray | None) -> Box | None:
        return self.in_picture


class FoundFace:
    """The face that is found: looked for in the picture first, and in every few frames."""

    def __init__(self, picture_luma: np.ndarray) -> None:
        self._search = FaceSearch()
        self.problem: str | None = None
        self.in_picture = self._choose(self._search.find(picture_luma))
        self._box = self.in_picture

    def follow(self, index: int, small_luma: np.ndarray, flow: np.ndarray | None) -> Box | None:
        if self.problem is not None:
            return None
        if self._box is not None and flow is not None:
            self._box = _move(self._box, flow)
        if self._box is None or index % _EVERY == 0:
            found = self._nearest(self._search.find(small_luma))
            if found is not None:
                # The first frame need not begin where the picture was.
                self._box = found if self._box is None or index == 0 else _between(self._box, found)
        return self._box

    def _nearest(self, boxes: list[Box]) -> Box | None:
        """The one that goes on where the face was, or the largest where none was yet."""
        before = self._box
        if before is None:
            return self._choose(boxes)
        near = [box for box in boxes if _distance(box, before) < before.width / 2]
        return min(near, key=lambda box: _distance(box, before), default=None)

    def _choose(self, boxes: list[Box]) -> Box | None:
        ordered = sorted(boxes, key=lambda box: box.width, reverse=True)
        if len(ordered) > 1 and ordered[1].width >= _AS_LARGE * ordered[0].width:
            self.problem = f"{len(ordered)} faces are found; metrics.face=left,top,width,height says which is meant"
            return None
        return ordered[0] if ordered else None


class FaceSearch:
    """Finds faces in pictures."""

    def __init__(self) -> None:
        path = Path(cv2.__file__).parent / "data" / _CASCADE
        self._cascade = cv2.CascadeClassifier(str(path))
        assert not self._cascade.empty(), path

    def find(self, luma: np.ndarray) -> list[Box]:
        """Every face in a picture [rows, columns], 8 bits."""
        scale = _SIDE / max(luma.shape)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = tuple(max(1, round(side * scale)) for side in luma.shape[::-1])
        pixels = cv2.resize(luma, size, interpolation=method)
        found = self._cascade.detectMultiScale(
            pixels, _SCALE_STEP, _NEIGHBOURS, minSize=(_SMALLEST_FACE, _SMALLEST_FACE)
        )
        rows, columns = pixels.shape
        boxes = np.asarray(found, float).reshape(-1, 4)
        return [Box(left / columns, top / rows, width / columns, height / rows) for left, top, width, height in boxes]


def _move(box: Box, flow: np.ndarray) -> Box:
    """The box in the next frame, as far as eyes and nose have moved."""
    rows, columns = flow.shape[:2]
    top, bottom = (np.clip(box.top + part * box.height, 0, 1) * rows for part in _RIGID_ROWS)
    left, right = (np.clip(box.left + part * box.width, 0, 1) * columns for part in _RIGID_COLUMNS)
    inside = flow[int(top) : int(bottom) + 1, int(left) : int(right) + 1].reshape(-1, 2)
    # The flow points back to where everything was.
    across, down = -np.median(inside, axis=0) if len(inside) else (0.0, 0.0)
    return box._replace(left=box.left + float(across) / columns, top=box.top + float(down) / rows)


def _between(box: Box, found: Box) -> Box:
    return Box(*(kept + _TRUST * (new - kept) for kept, new in zip(box, found, strict=True)))


def _distance(one: Box, other: Box) -> float:
    across = one.left + one.width / 2 - other.left - other.width / 2
    down = one.top + one.height / 2 - other.top - other.height / 2
    return float(np.hypot(across, down))


def choose_face(picture_rgb: np.ndarray, face: Box | None) -> FaceTrack:
    """Follows the face where it is said to be, or the one that is found in the picture [rows, columns, 3]."""
    return FoundFace(cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2GRAY)) if face is None else FixedFace(face)
