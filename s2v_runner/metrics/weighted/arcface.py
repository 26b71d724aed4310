"""How much a face stays the same: the cosine of ArcFace's embeddings (CSIM).

Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition" (CVPR 2019). Preprocessing: `get_feat` of
python-package/insightface/model_zoo/arcface_onnx.py in deepinsight/insightface.
"""

from pathlib import Path

import numpy as np

from s2v_runner.metrics.views import Box, View
from s2v_runner.metrics.weighted.faces import Framing, cut_face
from s2v_runner.metrics.weighted.files import check_onnx, refuse
from s2v_runner.metrics.weighted.sampled import NO_FACE, SampledMean

_KEY = "arcface"
_SIDE = 112
_EMBEDDING_SIZE = 512
_ERRORS_ONLY = 3

# insightface turns and scales a face until its eyes and mouth lie where `arcface_src` of its utils/face_align.py has
# them: the eyes at row 51.6 of 112, the mouth at row 92.3. No landmarks are at hand here. In the boxes that are
# found, the eyes are at 0.40 and the mouth is at 0.85 of the height (docs/metrics.md says how that was measured), so a
# box has 90.4 rows there and begins at row 15.4.
_EYES, _MOUTH = 0.40, 0.85
_TEMPLATE_EYES, _TEMPLATE_MOUTH = 51.6, 92.3
_BOX_HEIGHT = (_TEMPLATE_MOUTH - _TEMPLATE_EYES) / (_MOUTH - _EYES)
_BOX_TOP = _TEMPLATE_EYES - _EYES * _BOX_HEIGHT
FRAMING = Framing(above=_BOX_TOP / _BOX_HEIGHT, side=_SIDE / _BOX_HEIGHT, pixels=_SIDE, ground=0)


class ArcFaceGauge(SampledMean):
    """`face_similarity`: 1 is the very face of the picture.

    Faces are cut by their box alone, upright, and not turned by their landmarks, so values are a little lower than
    insightface's own, the more so the further a head is tilted. Frames without a face are left out.
    """

    def __init__(self, path: Path, picture_HWC: np.ndarray, picture_face: Box | None, fps: float) -> None:
        """picture_HWC: 8 bits, red before green before blue.

        Raises InputError where the file is no such model, or onnxruntime is not installed.
        """
        reason = NO_FACE if picture_face is not None else NO_FACE.replace("found", "found in the picture")
        super().__init__("face_similarity", fps, reason)
        self._network = _ArcFace(path)
        self._reference = None if picture_face is None else self._network.embed(picture_HWC, picture_face)

    def _judge(self, view: View) -> float | None:
        if view.face is None or self._reference is None:
            return None
        return float(self._network.embed(view.rgb, view.face) @ self._reference)


class _ArcFace:
    """A recognition model of insightface, on the CPU."""

    def __init__(self, path: Path) -> None:
        check_onnx(_KEY, path)
        # Of an optional extra, and slow to import.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of onnxruntime's own classes, one for each status
            raise refuse(_KEY, path, f"onnxruntime cannot load it ({type(error).__name__})") from error
        self._input = self._session.get_inputs()[0].name
        self._check_shapes(path)

    def embed(self, rgb: np.ndarray, box: Box) -> np.ndarray:
        """A vector of length 1, [512]."""
        face_HWC = cut_face(rgb, box, FRAMING)
        # One by one: some of the published models state a batch of one, whatever they can do.
        face_BCHW = (face_HWC.astype(np.float32).transpose(2, 0, 1)[None] - 127.5) / 127.5
        embedding = np.asarray(self._session.run(None, {self._input: face_BCHW})[0])[0]
        return embedding / np.linalg.norm(embedding)

    def _check_shapes(self, path: Path) -> None:
        inputs = [list(value.shape) for value in self._session.get_inputs()]
        outputs = [list(value.shape) for value in self._session.get_outputs()]
        fits = [shape[1:] for shape in inputs] == [[3, _SIDE, _SIDE]] and _is_one(inputs[0][0])
        if not fits or [shape[1:] for shape in outputs] != [[_EMBEDDING_SIZE]]:
            raise refuse(_KEY, path, f"its inputs have the shapes {inputs} and its outputs {outputs}")


def _is_one(batch: int | str | None) -> bool:
    """Whether a batch may be of one; ONNX Runtime tells sizes that are free by a name or by None."""
    return not isinstance(batch, int) or batch == 1
