"""An ONNX model that the user gave: what it must look like, and how it is run."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from s2v_runner.errors import GenerationError, InputError
from s2v_runner.inputs.extraction.header import Dimension, Header, Tensor, read_header
from s2v_runner.inputs.places import check_file

_ERRORS_ONLY = 3
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def refuse(key: str, path: Path, problem: str, meant: str) -> InputError:
    """What to raise for a model that cannot be used. `key` is that of the setting, `meant` which model to give."""
    return InputError(f"{key} '{path}'", problem, f"Give {meant}")


def read_model_header(key: str, path: Path, meant: str) -> Header:
    """The inputs and outputs of a model. Raises InputError for a file that is missing or is no ONNX model."""
    check_file(f"{key} '{path}'", path, f"Give {meant}")
    try:
        return read_header(path)
    except OSError as error:
        raise refuse(key, path, f"it cannot be read ({error.strerror or error})", meant) from error
    except ValueError as error:
        raise refuse(key, path, f"it cannot be read as an ONNX model ({error})", meant) from error


def require_onnxruntime() -> None:
    """Raises InputError where the package that runs the models is not installed."""
    if find_spec("onnxruntime") is None:
        raise InputError(
            "pose 'extract'",
            "the package onnxruntime, which finds the poses, is not installed",
            "Install it with `pip install 's2v-runner[pose]'`",
        )


def check_device(device: str) -> None:
    """Raises InputError for a device that ONNX Runtime is not used on."""
    _cuda_index(device)


def agrees(tensor: Tensor, shape: Sequence[int]) -> bool:
    """Whether a tensor can have this shape; sizes that it leaves open can be any."""
    if not tensor.is_float:
        return False
    if tensor.shape is None:
        return True
    return len(tensor.shape) == len(shape) and all(map(_is_or_may_be, tensor.shape, shape))


def in_words(tensors: Sequence[Tensor]) -> str:
    """Names and shapes, for a message on one line."""
    return " and ".join(f"{tensor.name} {_shape_in_words(tensor)}" for tensor in tensors) or "none"


class Network:
    """A loaded model with one input."""

    def __init__(self, key: str, path: Path, device: str, meant: str) -> None:
        """Raises InputError where onnxruntime cannot load the file."""
        # Of an optional extra, and slow to import.
        import onnxruntime

        self._key, self._path = key, path
        self.warnings: tuple[str, ...] = ()
        """What the user should know of how it is run."""
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        index = _cuda_index(device)
        providers: list[str | tuple[str, dict[str, str]]] = [_CPU]
        if index is not None and _CUDA in onnxruntime.get_available_providers():
            # Those of CUDA that came with PyTorch.
            onnxruntime.preload_dlls()
            providers.insert(0, (_CUDA, {"device_id": str(index)}))
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=providers)
        except Exception as error:  # of onnxruntime's own classes, one for each status
            raise refuse(key, path, f"onnxruntime cannot load it ({type(error).__name__})", meant) from error
        if index is not None and _CUDA not in self._session.get_providers():
            self.warnings = (
                f"poses are found on the CPU and not on {device}: the onnxruntime that is installed has no use of CUDA"
                " here; `pip install onnxruntime-gpu` in its place is the one that has",
            )
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs, in order. Raises GenerationError where the model fails."""
        try:
            return [np.asarray(output) for output in self._session.run(None, {self._input: batch})]
        except Exception as error:  # of onnxruntime's own classes, one for each status
            reason = " ".join(str(error).split())
            raise GenerationError(
                f"{self._key} '{self._path}' failed on a frame: {reason}. Where that is for want of memory, close what"
                " else uses the device"
            ) from error


def _cuda_index(device: str) -> int | None:
    """Which GPU is meant; None is the CPU."""
    kind, _, index = device.partition(":")
    if kind == "cpu" and not index:
        return None
    if kind == "cuda" and (not index or index.isdecimal()):
        return int(index or 0)
    raise InputError(f"memory.device '{device}'", "poses cannot be found on it", "Give cpu, cuda or cuda:0")


def _is_or_may_be(stated: Dimension, size: int) -> bool:
    return stated == size or not isinstance(stated, int)


def _shape_in_words(tensor: Tensor) -> str:
    if tensor.shape is None:
        return "of any shape"
    sizes = ", ".join("?" if size is None else str(size) for size in tensor.shape)
    return f"[{sizes}]" + ("" if tensor.is_float else " not of 32-bit floats")
