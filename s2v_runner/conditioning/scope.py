"""What encoding depends on beside the inputs: the weights, the device, the libraries, this project's own code."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from s2v_runner.engine import EngineSettings

_PACKAGE = Path(__file__).parent.parent
_SOURCES = (
    "autoencoder",
    "checkpoint",
    "conditioning",
    "engine.py",
    "generation.py",
    "geometry.py",
    "inputs",
    "plan.py",
    "sound_file.py",
)
"""The files and folders whose code makes what is encoded what it is."""
_LIBRARIES = ("av", "diffusers", "ftfy", "numpy", "tokenizers", "torch", "transformers")


def scope_of(settings: EngineSettings, checkpoint_digest: str) -> dict[str, str]:
    """All that may change a bit of what is encoded. Devices count by what they are, not by their number."""
    return {
        "checkpoint": checkpoint_digest,
        "dtype": str(settings.dtype),
        "autoencoder_dtype": str(settings.autoencoder_dtype),
        "device": _describe_device(settings.device),
        "text_device": _describe_device(settings.text_device),
        "code": _digest_code(),
        "precision": f"{torch.get_float32_matmul_precision()}, cuDNN TF32 {torch.backends.cudnn.allow_tf32}",
        "cudnn": str(torch.backends.cudnn.version()),
        **{library: version(library) for library in _LIBRARIES},
    }


def _describe_device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda {torch.cuda.get_device_name(device)}"
    # The instructions that PyTorch's kernels are chosen by.
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()}"


@cache
def _digest_code() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for source in _SOURCES for path in _files_of(_PACKAGE / source)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE)} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _files_of(source: Path) -> list[Path]:
    return list(source.rglob("*.py")) if source.is_dir() else [source]
