"""Where the parts go and how they are computed: chosen from what was asked and what the hardware is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from s2v_runner.errors import InputError
from s2v_runner.estimate import MEMORY_MODES, Estimate, Form, Memory
from s2v_runner.placement.hardware import Hardware
from s2v_runner.records import KernelName, MatrixName

_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")

AUTO = "auto"
Auto = Literal["auto"]
Dtype = Literal["bfloat16", "float32"]
AutoencoderDtype = Literal["float16", "float32"]
BYTES: dict[Dtype | AutoencoderDtype, int] = {"bfloat16": 2, "float16": 2, "float32": 4}


@dataclass(frozen=True, kw_only=True)
class PlacementRequest:
    """What the user asked for."""

    mode: Memory | Auto
    offload_model: bool | Auto
    convert_model_dtype: bool | Auto
    t5_cpu: bool
    dit_fsdp: bool
    """Whether the transformer's weights are shared out, and so cannot wait in main memory."""
    attention: str
    kernels: KernelName | Auto
    matrices: MatrixName | Auto
    autoencoder: AutoencoderDtype | Auto


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What is done."""

    device: str
    text_device: str
    dtype: Dtype
    attention: str
    kernels: KernelName
    matrices: MatrixName
    autoencoder_dtype: AutoencoderDtype
    memory: Memory
    reason: str
    """Why it is that mode."""

    @property
    def form(self) -> Form:
        dtype_bytes = BYTES[self.dtype]
        return Form(
            dtype_bytes=dtype_bytes,
            matrix_bytes=dtype_bytes if self.matrices == "model" else 1,
            is_fused=self.kernels == "triton",
            autoencoder_bytes=BYTES[self.autoencoder_dtype],
            is_text_on_device=self.text_device == self.device,
        )


Cost = Callable[[Form], Estimate | None]
"""Estimates the run for a model in that form."""


def check_device(asked: str) -> None:
    """Raises InputError for a name that no device has. Whether it is there, PyTorch is asked later."""
    if _DEVICE.fullmatch(asked) is None:
        raise InputError(f"memory.device={asked}", "there is no such device", "Choose auto, cpu, cuda or cuda:1")


def choose_placement(asked: PlacementRequest, hardware: Hardware, cost: Cost) -> Placement:
    """Make every choice. Raises InputError for settings that contradict each other."""
    convert = hardware.is_gpu if asked.convert_model_dtype == AUTO else asked.convert_model_dtype
    matrices = asked.matrices
    if matrices == "auto":
        matrices = "float8" if hardware.has_float8 and convert else "model"
    kernels: KernelName = "triton" if hardware.has_triton and convert else "plain"
    attention = asked.attention
    if attention == AUTO:
        # The kernels that are written for tensor cores take no float32.
        attention = _choose_attention(matrices, hardware) if convert else "sdpa"
    # Half as many bits do not make a CPU quicker.
    autoencoder_dtype: AutoencoderDtype = "float16" if hardware.is_gpu else "float32"
    settled = Placement(
        device=hardware.device,
        text_device="cpu" if asked.t5_cpu else hardware.device,
        dtype="bfloat16" if convert else "float32",
        attention=attention,
        kernels=kernels if asked.kernels == AUTO else asked.kernels,
        matrices=matrices,
        autoencoder_dtype=autoencoder_dtype if asked.autoencoder == AUTO else asked.autoencoder,
        memory="resident",
        reason="there is one memory",
    )
    memory, reason = _choose_memory(asked, hardware, lambda: cost(settled.form))
    return replace(settled, memory=memory, reason=reason)


def next_mode(memory: Memory) -> Memory | None:
    """The mode that takes less of the device, if there is one."""
    later = MEMORY_MODES[MEMORY_MODES.index(memory) + 1 :]
    return later[0] if later else None


def _choose_attention(matrices: MatrixName, hardware: Hardware) -> str:
    if not hardware.is_gpu:
        return "sdpa"
    if not hardware.has_flash_3:
        return "sdpa_cudnn"
    return "flash_3_float8" if matrices == "float8" else "flash_3"


def _choose_memory(
    asked: PlacementRequest, hardware: Hardware, cost: Callable[[], Estimate | None]
) -> tuple[Memory, str]:
    offload, mode = asked.offload_model, asked.mode
    if mode != "auto" and offload not in (AUTO, mode != "resident"):
        raise InputError(
            f"memory.offload_model={str(offload).lower()}", f"it contradicts memory={mode}", "Give one of the two"
        )
    if not hardware.is_gpu:
        return "resident", "there is one memory"
    if asked.mode != "auto":
        return asked.mode, f"memory={mode}"
    if offload != AUTO:
        chosen: Memory = "offload" if offload else "resident"
        return chosen, f"memory.offload_model={str(offload).lower()}"
    estimate, free = cost(), hardware.free_bytes
    if estimate is None or free is None:
        return "offload", "what is needed or free is not known"
    return _first_that_fits(estimate, free, MEMORY_MODES[:2] if asked.dit_fsdp else MEMORY_MODES)


def _first_that_fits(estimate: Estimate, free: int, modes: Sequence[Memory]) -> tuple[Memory, str]:
    needed = {mode: estimate.peak_bytes(mode) for mode in modes}
    fitting: list[Memory] = [mode for mode in modes if needed[mode] <= free]
    # Where nothing fits, the least is tried: the estimate may be too high.
    chosen = fitting[0] if fitting else modes[-1]
    fits = "fit" if fitting else "do not fit"
    reason = f"its {_gibibytes(needed[chosen])} {fits} the {_gibibytes(free)} that are free"
    before = modes.index(chosen) - 1
    if fitting and before >= 0:
        reason += f", the {_gibibytes(needed[modes[before]])} of {modes[before]} do not"
    return chosen, reason


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
