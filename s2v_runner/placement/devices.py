"""The device of this process, as PyTorch sees it."""

import resource

import torch
from accelerate import PartialState

from s2v_runner.errors import InputError
from s2v_runner.placement.hardware import Hardware

AUTO = "auto"
_KIBIBYTE = 1 << 10


def choose_device(asked: str) -> str:
    """`auto` is the GPU that the launcher gave this process, or the CPU. Raises InputError for one PyTorch lacks."""
    if asked != AUTO:
        return _named_device(asked)
    device = PartialState().device
    assert device is not None
    return str(device) if device.type == "cuda" else "cpu"


def _named_device(asked: str) -> str:
    device, gpus = torch.device(asked), torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise InputError(f"memory.device={asked}", f"PyTorch sees {gpus} GPUs here", "Choose auto or cpu")
    return asked


def look_at(device: str) -> Hardware:
    """The device as it is now. Free is what PyTorch itself holds in reserve, too."""
    if not device.startswith("cuda"):
        return Hardware(device, free_bytes=None, capability=None)
    free, _ = torch.cuda.mem_get_info(device)
    return Hardware(device, free + torch.cuda.memory_reserved(device), torch.cuda.get_device_capability(device))


def use_threads(count: int) -> None:
    """Compute on so many threads of the CPU. How sums are divided among them decides how they are rounded."""
    torch.set_num_threads(count)


def wait_for(device: str) -> None:
    """Wait until the device has done all it was told, so that a clock says the truth."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def reset_peak_memory(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: str) -> dict[str, int]:
    """Bytes at the peak: of the process in main memory, and of its tensors on the device since the last reset."""
    peak = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE}
    if device.startswith("cuda"):
        peak["device"] = torch.cuda.max_memory_allocated(device)
    return peak


def describe_device(device: str) -> dict[str, object]:
    """What the device is, for the record."""
    described: dict[str, object] = {"device": device, "threads": torch.get_num_threads()}
    if device.startswith("cuda"):
        properties = torch.cuda.get_device_properties(device)
        described |= {"name": properties.name, "memory_bytes": properties.total_memory}
        described["cuda"] = torch.version.cuda
    return described
