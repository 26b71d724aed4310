"""Linear layers and what they are given: rows in the dtype of their weights, or rows and weights in 8 bits.

The 8-bit layer multiplies in float8 (e4m3: 4 bits of exponent, 3 of mantissa) with a scale for each row of activations
and each row of weights, so that one large channel does not take the digits of the others. Sums are float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import nn

FLOAT8 = torch.float8_e4m3fn
FLOAT8_LARGEST = torch.finfo(FLOAT8).max
FLOAT8_MULTIPLE = 16
"""Of which both widths of a matrix are multiples where tensor cores multiply it."""
LEAST_SCALE = 1e-12
"""So that a row of zeros divides by something."""


@dataclass(frozen=True)
class Float8Rows:
    """Rows in 8 bits: values times their row's scale."""

    values: torch.Tensor
    scale: torch.Tensor
    """Float32, one a row: [..., 1]."""

    def dequantise(self, dtype: torch.dtype) -> torch.Tensor:
        return (self.values.float() * self.scale).to(dtype)


Rows = torch.Tensor | Float8Rows
"""What a matrix is multiplied with, [..., width]."""


class Linear(Protocol):
    """A layer that multiplies rows, in whichever form it takes them."""

    def __call__(self, rows: Rows) -> torch.Tensor: ...


def quantise(rows: torch.Tensor) -> Float8Rows:
    """Each row scaled so that its largest value is the largest there is in 8 bits, then rounded."""
    rows = rows.float()
    scale = rows.abs().amax(dim=-1, keepdim=True).clamp_min(LEAST_SCALE) / FLOAT8_LARGEST
    return Float8Rows((rows / scale).to(FLOAT8), scale)


class WeightLinear(nn.Linear):
    """A linear layer that computes in the dtype of its weights."""

    def forward(self, input: Rows) -> torch.Tensor:  # noqa: A002
        assert isinstance(input, torch.Tensor)
        return F.linear(input.to(self.weight.dtype), self.weight, self.bias)


Float8Product = Callable[[Float8Rows, Float8Rows, torch.Tensor], torch.Tensor]
"""(rows, weights with a row for each output, bias) → rows · weightsᵀ + bias, in the dtype of the bias."""


class Float8Linear(nn.Module):
    """A linear layer whose weights and rows are 8 bits wide."""

    def __init__(self, width_in: int, width_out: int, multiply: Float8Product) -> None:
        super().__init__()
        self.multiply = multiply
        self.weight = nn.Parameter(torch.empty(width_out, width_in, dtype=FLOAT8), requires_grad=False)
        self.weight_scale = nn.Parameter(torch.empty(width_out, 1), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(width_out), requires_grad=False)

    def forward(self, rows: Rows) -> torch.Tensor:
        assert isinstance(rows, Float8Rows)
        return self.multiply(rows, Float8Rows(self.weight, self.weight_scale), self.bias)


class Float8WeightLinear(Float8Linear):
    """A linear layer whose weights are stored in 8 bits and widened when they are used; rows are as they were."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(width_in, width_out, multiply_widened)

    def forward(self, rows: Rows) -> torch.Tensor:
        assert isinstance(rows, torch.Tensor)
        dtype = self.bias.dtype
        weight = self.weight.to(dtype) * self.weight_scale.to(dtype)
        return F.linear(rows.to(dtype), weight, self.bias)


def fill_parameter(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Put a tensor where the empty parameter of that name is. A layer in 8 bits rounds its weight to them."""
    owner_name, _, leaf = name.rpartition(".")
    if isinstance(module.get_submodule(owner_name), Float8Linear) and leaf == "weight":
        rounded = quantise(tensor)
        put_parameter(module, name, rounded.values)
        put_parameter(module, f"{name}_scale", rounded.scale)
    else:
        put_parameter(module, name, tensor)


def put_parameter(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    """Put a tensor where the empty parameter of that name is, as it is."""
    owner_name, _, leaf = name.rpartition(".")
    owner = module.get_submodule(owner_name)
    assert leaf in owner._parameters, name
    owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)


def multiply_on_tensor_cores(rows: Float8Rows, weights: Float8Rows, bias: torch.Tensor) -> torch.Tensor:
    """On a GPU of compute capability 8.9 or more. The fast accumulation keeps fewer bits of long sums."""
    width_in = rows.values.shape[-1]
    product = torch._scaled_mm(  # pyright: ignore[reportPrivateImportUsage]
        rows.values.view(-1, width_in),
        weights.values.t(),
        scale_a=rows.scale.view(-1, 1),
        scale_b=weights.scale.t(),
        bias=bias,
        out_dtype=bias.dtype,
        use_fast_accum=True,
    )
    return product.view(*rows.values.shape[:-1], -1)


def multiply_widened(rows: Float8Rows, weights: Float8Rows, bias: torch.Tensor) -> torch.Tensor:
    """The same product where no hardware multiplies 8 bits: everything is widened to float32 first."""
    return F.linear(rows.dequantise(torch.float32), weights.dequantise(torch.float32), bias.float()).to(bias.dtype)
