"""How a transformer is computed: attention, the kernels between matrix products, and how matrices are multiplied.

All of it is chosen once, when the transformer is built; no forward pass asks.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from s2v_runner.errors import InputError
from s2v_runner.placement.hardware import FIRST_WITH_FLOAT8
from s2v_runner.records import KernelName, MatrixName
from s2v_runner.transformer.attention import AttentionFunction, resolve_attention, resolve_cross_attention
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.kernels.interface import Kernels
from s2v_runner.transformer.kernels.plain import PLAIN, PLAIN_FLOAT8
from s2v_runner.transformer.linear import (
    FLOAT8,
    FLOAT8_MULTIPLE,
    Float8Linear,
    Float8WeightLinear,
    WeightLinear,
    multiply_on_tensor_cores,
    multiply_widened,
)
from s2v_runner.transformer.sequence import WHOLE_SEQUENCE, Sequence

MakeLinear = Callable[[int, int], nn.Module]
"""(width in, width out) → a layer whose parameters are empty."""


@dataclass(frozen=True)
class Backend:
    attend: AttentionFunction
    """Of all tokens to all tokens."""
    attend_few: AttentionFunction
    """Of all tokens to the rows of the text, or to the speech of their frame."""
    kernels: Kernels
    linear: MakeLinear
    """Makes the layers that are multiplied in every step. The others compute in the dtype of their weights."""
    sequence: Sequence
    """The processes that share the tokens of a pass."""


def plain_backend(attention: str) -> Backend:
    """PyTorch's own operations around an attention kernel of that name, in one process."""
    attend, attend_few = resolve_attention(attention), resolve_cross_attention(attention)
    return Backend(attend, attend_few, PLAIN, WeightLinear, WHOLE_SEQUENCE)


def resolve_backend(
    attention: str,
    kernels: KernelName,
    matrices: MatrixName,
    device: torch.device,
    dtype: torch.dtype,
    sequence: Sequence,
) -> Backend:
    """The backend of these names on a device, for matrices whose weights have `dtype`.

    Raises InputError for what cannot be had there.
    """
    in_float8 = matrices == "float8"
    if in_float8:
        _check_float8(device, dtype)
    if kernels == "triton":
        _check_triton(device, dtype)
        from s2v_runner.transformer.kernels.fused import FusedKernels

        chosen: Kernels = FusedKernels(FLOAT8 if in_float8 else dtype, scaled=in_float8)
    else:
        chosen = PLAIN_FLOAT8 if in_float8 else PLAIN
    multiply = multiply_on_tensor_cores if device.type == "cuda" else multiply_widened
    linears: dict[MatrixName, MakeLinear] = {
        "model": WeightLinear,
        "float8": partial(Float8Linear, multiply=multiply),
        "float8_weights": Float8WeightLinear,
    }
    return Backend(
        attend=resolve_attention(attention),
        attend_few=resolve_cross_attention(attention),
        kernels=chosen,
        linear=linears[matrices],
        sequence=sequence,
    )


def check_widths(matrices: MatrixName, device: torch.device, config: TransformerConfig) -> None:
    """Raises InputError where a GPU cannot multiply matrices of these widths in 8 bits."""
    if matrices != "float8" or device.type != "cuda":
        return
    for name, width in (("width", config.model_dim), ("feed-forward width", config.feed_forward_dim)):
        if width % FLOAT8_MULTIPLE:
            raise InputError(
                "speed.matrices=float8",
                f"GPUs multiply 8 bits in widths that are multiples of {FLOAT8_MULTIPLE}, and this model's {name} "
                f"is {width}",
                "Choose model (speed=exact does), or float8_weights",
            )


def _check_triton(device: torch.device, dtype: torch.dtype) -> None:
    if importlib.util.find_spec("triton") is None:
        raise InputError("speed.kernels=triton", "Triton is not installed", "Install it, or choose plain")
    if device.type != "cuda":
        raise InputError("speed.kernels=triton", f"Triton does not run on '{device}'", "Choose plain, or a GPU")
    if dtype == torch.float32:
        raise InputError(
            "speed.kernels=triton",
            "with weights in float32 it would be no faster",
            "Choose plain, or memory.convert_model_dtype=true",
        )


def _check_float8(device: torch.device, dtype: torch.dtype) -> None:
    if device.type != "cuda":
        return
    if dtype != torch.bfloat16:
        raise InputError(
            "speed.matrices=float8",
            "products of 8 bits come out in bfloat16, and the model is in float32",
            "Choose model, or memory.convert_model_dtype=true",
        )
    if torch.cuda.get_device_capability(device) < FIRST_WITH_FLOAT8:
        name = torch.cuda.get_device_name(device)
        raise InputError(
            "speed.matrices=float8", f"{name} cannot multiply in 8 bits", "Choose model (speed=exact does)"
        )
