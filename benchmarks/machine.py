"""What the measurements share: the clock, the memory, and words for where they were made."""

import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

GIBIBYTE = 2**30

Result = TypeVar("Result")


def timed(device: torch.device, call: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that a call took, the device's work included, and what it gave."""
    synchronise(device)
    begin = time.perf_counter()
    result = call()
    synchronise(device)
    return time.perf_counter() - begin, result


def alternate(
    device: torch.device, calls: Mapping[str, Callable[[], object]], repeats: int
) -> dict[str, tuple[float, ...]]:
    """Seconds of each call, repeated in turn, so that a device that grows warm or slow does so for all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            seconds[name].append(timed(device, call)[0])
    return {name: tuple(values) for name, values in seconds.items()}


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure of the repeats."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def allocated_gib(device: torch.device) -> float:
    return torch.cuda.memory_allocated(device) / GIBIBYTE if device.type == "cuda" else 0.0


def peak_gib(device: torch.device) -> float:
    """The most device memory in use since `reset_peak`."""
    return torch.cuda.max_memory_allocated(device) / GIBIBYTE if device.type == "cuda" else 0.0


def reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def weights_gib(module: torch.nn.Module) -> float:
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers())) / GIBIBYTE


def describe_machine(device: torch.device) -> dict[str, str]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"device": name, "torch": torch.__version__, "python": platform.python_version()}


def write_report(path: Path | None, report: Mapping[str, Any]) -> None:
    """Print a report and, where a path is given, write it there as JSON."""
    text = json.dumps(report, indent=1)
    print(text)
    if path is not None:
        path.write_text(text + "\n", encoding="utf-8")
