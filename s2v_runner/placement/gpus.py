"""The GPUs of this machine as the driver's own tool lists them: for plans, which do not wait for PyTorch."""

import shutil
import subprocess
from dataclasses import dataclass

_TOOL = "nvidia-smi"
_PATIENCE = 5.0
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Gpu:
    name: str
    free_bytes: int


def list_gpus() -> list[Gpu]:
    """The GPUs; none where there is no driver, or where it does not answer."""
    if shutil.which(_TOOL) is None:
        return []
    command = [_TOOL, "--query-gpu=name,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
        rows = [line.rsplit(",", 1) for line in answer.splitlines() if line.strip()]
        return [Gpu(name.strip(), int(free) * _MEBIBYTE) for name, free in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def likely_device(asked: str) -> tuple[str, int | None]:
    """The device that a setting will come to, and the bytes free on it; None for the CPU. PyTorch is not asked."""
    gpus = list_gpus() if asked == "auto" or asked.startswith("cuda") else []
    device = ("cuda" if gpus else "cpu") if asked == "auto" else asked
    return device, gpus[0].free_bytes if gpus else None
