"""The files that the user gives: which are meant, and what can be told of them before anything heavy is imported."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from s2v_runner.errors import InputError

DINO_MODEL_TYPES = ("dinov2", "vit")

# What a file begins with. Tables of PyTorch's are zip archives, or bare pickles from before version 1.6; of an ONNX
# model it is the tag of the first field, its version.
_ARCHIVE = b"PK\x03\x04"
_PICKLE = b"\x80"
_ONNX = b"\x08"
# Safetensors begin with the length of their header, which is JSON.
_SAFETENSORS_HEADER = slice(8, 9)

_TRANSFORMERS_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)

_MEANT = {
    "syncnet": "Give syncnet_v2.model, which download_model.sh of joonson/syncnet_python fetches",
    "arcface": "Give an ONNX model of insightface with input [N, 3, 112, 112] and output [N, 512], such as"
    " w600k_r50.onnx of buffalo_l",
    "clip": "Give a folder in the layout of Transformers, such as a copy of openai/clip-vit-base-patch32",
    "lpips": "Give what torch.save(lpips.LPIPS(net='alex').state_dict(), path) writes, with version 0.1 of the lpips"
    " package",
    "dino": "Give a folder in the layout of Transformers, such as a copy of facebook/dinov2-base or"
    " facebook/dino-vits16",
}


def refuse(key: str, path: Path, problem: str) -> InputError:
    """What to raise for a file that cannot be used, with which one is meant instead. `key` is that of the setting."""
    return InputError(f"metrics.{key}='{path}'", problem, _MEANT[key])


def is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(_SAFETENSORS_HEADER.stop)
    return not start.startswith((_ARCHIVE, _PICKLE)) and start[_SAFETENSORS_HEADER] == b"{"


def check_tensors(key: str, path: Path) -> None:
    """Raises InputError for a file that is missing or no table of tensors by its first bytes."""
    start = _read_start(key, path)
    if not start.startswith((_ARCHIVE, _PICKLE)) and not is_safetensors(path):
        raise refuse(key, path, "it is no file of PyTorch's or safetensors'")


def check_onnx(key: str, path: Path) -> None:
    """Raises InputError for a file that is missing or no ONNX model by its first byte, or when nothing could run it."""
    if not _read_start(key, path).startswith(_ONNX):
        raise refuse(key, path, "it is no ONNX model")
    require_onnxruntime(key, path)


def require_onnxruntime(key: str, path: Path) -> None:
    """Raises InputError where the package is not installed."""
    if find_spec("onnxruntime") is None:
        raise InputError(
            f"metrics.{key}='{path}'",
            "the package onnxruntime, which runs it, is not installed",
            "Install it with `pip install 's2v-runner[metrics]'`",
        )


def check_clip(key: str, folder: Path) -> None:
    """Raises InputError for a folder that lacks a part of CLIP, or is of another model."""
    _check_pretrained(key, folder, ["clip"])
    if not (folder / "tokenizer.json").is_file():
        for name in ("vocab.json", "merges.txt"):
            _require_file(key, folder, name)


def check_dino(key: str, folder: Path) -> None:
    """Raises InputError for a folder that lacks a part of DINO or DINOv2, or is of another model."""
    _check_pretrained(key, folder, DINO_MODEL_TYPES)


def read_model_type(key: str, folder: Path) -> str:
    """What `config.json` says of the architecture. Raises InputError for a folder without one."""
    _require_file(key, folder, "config.json")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise refuse(key, folder, f"its config.json cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise refuse(key, folder, "its config.json is no table")
    return str(config.get("model_type"))


def _check_pretrained(key: str, folder: Path, model_types: Sequence[str]) -> None:
    if not folder.is_dir():
        raise refuse(key, folder, "it is no folder" if folder.exists() else "there is no such folder")
    found = read_model_type(key, folder)
    if found not in model_types:
        raise refuse(key, folder, f"its config.json says model_type '{found}' and not {_either(model_types)}")
    _require_file(key, folder, "preprocessor_config.json")
    if not any((folder / name).is_file() for name in _TRANSFORMERS_WEIGHTS):
        raise refuse(key, folder, "it has neither model.safetensors nor pytorch_model.bin")


def _either(names: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)


def _require_file(key: str, folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise refuse(key, folder, f"it has no {name}")


def _read_start(key: str, path: Path) -> bytes:
    if not path.is_file():
        raise refuse(key, path, "it is a folder" if path.is_dir() else "there is no such file")
    try:
        with path.open("rb") as file:
            return file.read(_SAFETENSORS_HEADER.stop)
    except OSError as error:
        raise refuse(key, path, f"it cannot be read ({error.strerror})") from error
