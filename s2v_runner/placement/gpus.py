"""The GPUs of this machine as the driver's own tool lists them: for plans, which do not wait for PyTorch."""

import os
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
    """The GPUs that programs may use; none where there is no driver, or where it does not answer."""
    if shutil.which(_TOOL) is None:
        return []
    command = [_TOOL, "--query-gpu=name,memory.free,compute_cap", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True).stdout
        gpus = [_read_row(line) for line in answer.splitlines() if line.strip()]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    visible = visible_names()
    return gpus if visible is None else _chosen(gpus, visible)


def visible_names() -> list[str] | None:
    """The GPUs that CUDA_VISIBLE_DEVICES names, by number or UUID; None where it leaves all of them."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if names is None else [name.strip() for name in names.split(",") if name.strip()]


def _chosen(gpus: list[Gpu], names: list[str]) -> list[Gpu]:
    chosen = []
    for name in names:
        # Of a UUID the tool's rows do not tell which it is; GPUs of one machine are mostly alike.
        index = int(name) if name.lstrip("-").isdigit() else len(chosen)
        if not 0 <= index < len(gpus):
            # CUDA, too, sees nothing from the first that is not there.
            break
        chosen.append(gpus[index])
    return chosen


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
