"""The GPUs of this machine as the driver's own tool lists them: for plans, which do not wait for PyTorch."""

import shutil
import subprocess
from dataclasses import dataclass

from s2v_runner.placement.hardware import Hardware

_TOOL = "nvidia-smi"
_PATIENCE = 5.0
_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Gpu:
    name: str
    free_bytes: int
    capability: tuple[int, int]


def list_gpus() -> list[Gpu]:
    """The GPUs; none where there is no driver, or where it does not answer."""
    if shutil.which(_TOOL) is None:
        return []
    command = [_TOOL, "--query-gpu=name,memory.free,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
        return [_read_row(line) for line in answer.splitlines() if line.strip()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def _read_row(line: str) -> Gpu:
    name, free, capability = line.rsplit(",", 2)
    major, minor = capability.split(".")
    return Gpu(name.strip(), int(free) * _MEBIBYTE, (int(major), int(minor)))


def likely_hardware(asked: str) -> Hardware:
    """The device that a setting will come to. PyTorch is not asked."""
    gpus = list_gpus() if asked == "auto" or asked.startswith("cuda") else []
    device = ("cuda" if gpus else "cpu") if asked == "auto" else asked
    if not gpus:
        return Hardware(device, free_bytes=None, capability=None)
    return Hardware(device, gpus[0].free_bytes, gpus[0].capability)
