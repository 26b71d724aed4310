"""Where the parts go and in which precision: chosen from what was asked and what memory is free."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from s2v_runner.errors import InputError
from s2v_runner.estimate import Estimate

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")

Asked = bool | Literal["auto"]
Dtype = Literal["bfloat16", "float32"]
AutoencoderDtype = Literal["float16", "float32"]
DTYPE_BYTES: dict[Dtype, int] = {"bfloat16": 2, "float32": 4}


@dataclass(frozen=True, kw_only=True)
class PlacementRequest:
    """What the user asked for."""

    mode: str
    offload_model: Asked
    convert_model_dtype: Asked
    t5_cpu: bool
    attention: str
    autoencoder: AutoencoderDtype | Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What is done."""

    device: str
    text_device: str
    dtype: Dtype
    attention: str
    autoencoder_dtype: AutoencoderDtype
    offload: bool
    reason: str
    """Why the encoders stay on the device or leave it."""

    @property
    def dtype_bytes(self) -> int:
        return DTYPE_BYTES[self.dtype]


def check_device(asked: str) -> None:
    """Raises InputError for a name that no device has. Whether it is there, PyTorch is asked later."""
    if _DEVICE.fullmatch(asked) is None:
        raise InputError(f"memory.device={asked}", "there is no such device", "Choose auto, cpu, cuda or cuda:1")


def choose_placement(
    asked: PlacementRequest, device: str, free_bytes: int | None, cost: Callable[[int], Estimate | None]
) -> Placement:
    """Make every choice. `cost` estimates the run for matrices of so many bytes a number.

    Raises InputError for settings that contradict each other.
    """
    on_gpu = device.startswith("cuda")
    convert = on_gpu if asked.convert_model_dtype == "auto" else asked.convert_model_dtype
    dtype: Dtype = "bfloat16" if convert else "float32"
    attention = asked.attention
    if attention == "auto":
        attention = "sdpa_cudnn" if on_gpu else "sdpa"
    autoencoder_dtype = asked.autoencoder
    if autoencoder_dtype == "auto":
        # Half as many bits do not make a CPU quicker.
        autoencoder_dtype = "float16" if on_gpu else "float32"
    offload, reason = _choose_offload(asked, on_gpu, free_bytes, cost(DTYPE_BYTES[dtype]))
    return Placement(
        device=device,
        text_device="cpu" if asked.t5_cpu else device,
        dtype=dtype,
        attention=attention,
        autoencoder_dtype=autoencoder_dtype,
        offload=offload,
        reason=reason,
    )


def _choose_offload(
    asked: PlacementRequest, on_gpu: bool, free_bytes: int | None, estimate: Estimate | None
) -> tuple[bool, str]:
    wanted = {"resident": False, "offload": True}.get(asked.mode)
    if wanted is not None and asked.offload_model not in ("auto", wanted):
        raise InputError(
            f"memory.offload_model={str(asked.offload_model).lower()}",
            f"it contradicts memory={asked.mode}",
            "Give one of the two",
        )
    if not on_gpu:
        return False, "there is one memory"
    if wanted is not None:
        return wanted, f"memory={asked.mode}"
    if asked.offload_model != "auto":
        return asked.offload_model, f"memory.offload_model={str(asked.offload_model).lower()}"
    if estimate is None or free_bytes is None:
        return True, "what is needed or free is not known"
    needed, free = _gibibytes(estimate.resident_bytes), _gibibytes(free_bytes)
    if estimate.resident_bytes <= free_bytes:
        return False, f"{needed} fit the {free} that are free"
    return True, f"{needed} do not fit the {free} that are free"


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
