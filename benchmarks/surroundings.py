"""What a measurement was made on and with."""

import os
import platform
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import GIBIBYTE

_ROOT = Path(__file__).parent.parent
_PATIENCE = 10.0
_ATTENTION_PACKAGES = ("flash-attn", "flash-attn-3", "sageattention", "xformers", "kernels", "aiter")
_OTHERS = ("triton", "diffusers", "transformers", "accelerate", "safetensors")


def describe_surroundings(device: torch.device, commit: str | None) -> dict[str, dict[str, Any]]:
    """Hardware, versions and the project's own version. `commit` is told where git cannot tell it."""
    return {
        "hardware": _describe_hardware(device),
        "versions": _describe_versions(),
        "project": _describe_project(commit),
    }


def _describe_hardware(device: torch.device) -> dict[str, Any]:
    described: dict[str, Any] = {
        "device": device.type,
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        described |= {"gpu": properties.name, "gpu_memory_gib": round(properties.total_memory / GIBIBYTE, 1)}
        described |= _ask_driver(device)
    return described


def _ask_driver(device: torch.device) -> dict[str, Any]:
    """The driver and the power limit, where the driver's own program tells them."""
    names = ("driver_version", "power.limit")
    # By its identity: the driver counts GPUs that PyTorch may not be shown.
    identity = str(torch.cuda.get_device_properties(device).uuid)
    command = ["nvidia-smi", f"--id=GPU-{identity}", f"--query-gpu={','.join(names)}", "--format=csv,noheader"]
    answer = _run(command)
    values = answer.strip().split(", ") if answer else []
    if len(values) != len(names):
        return {"driver": None, "power_limit": None}
    return {"driver": values[0], "power_limit": values[1]}


def _describe_versions() -> dict[str, str | int | None]:
    versions: dict[str, str | int | None] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }
    return versions | {name: found for name in (*_OTHERS, *_ATTENTION_PACKAGES) if (found := _version(name))}


def _describe_project(commit: str | None) -> dict[str, Any]:
    version = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if commit is not None:
        return {"version": version, "commit": commit, "changed": None}
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top.strip()) != _ROOT:
        return {"version": version, "commit": None, "changed": None}
    head, status = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    return {"version": version, "commit": head.strip() if head else None, "changed": bool(status)}


def _git(*arguments: str) -> str | None:
    return _run(["git", "-C", str(_ROOT), *arguments])


def _run(command: list[str]) -> str | None:
    try:
        result = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode(errors="replace")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
