"""The kernels in Triton: each method is one pass over memory, and the residual stream is written in place.

Without gradients. Nothing is compiled twice for another size: the width and the forms are compiled for, rows are not.
Programs are started on the device of their tensors, since Triton by itself takes the current one.
"""

# Launch options such as num_warps are no parameters of the programs.
# pyright: reportCallIssue=false

from dataclasses import dataclass

import torch
import torch.nn.functional as F
import triton

from s2v_runner.transformer.kernels.interface import ByGroup, Modulation
from s2v_runner.transformer.kernels.row_programs import add_norm_rows, rotate_rows, scale_rows
from s2v_runner.transformer.linear import Float8Rows, Linear, Rows, WeightLinear
from s2v_runner.transformer.rope import RotaryTable

# Warps to a row, by trying 4, 8 and 16 on an H200 at widths of 5120 and 13824.
_WARPS = 4
_WIDE_WARPS = 8
_WIDE = 8192


@dataclass(frozen=True)
class FusedKernels:
    """See `Kernels` for what each method computes."""

    dtype: torch.dtype
    """Of the rows that matrices take: that of the weights, or float8."""
    scaled: bool
    """Whether each row is scaled to the range of float8, and its scale is handed on."""

    def norm(self, hidden_BSD: torch.Tensor, modulation: Modulation, epsilon: float) -> Rows:
        rows = self._empty_rows(hidden_BSD)
        _add_norm(hidden_BSD, None, None, modulation, epsilon, rows)
        return rows

    def add_norm(
        self,
        hidden_BSD: torch.Tensor,
        update_BSD: torch.Tensor,
        gate: ByGroup | None,
        modulation: Modulation,
        epsilon: float,
    ) -> tuple[torch.Tensor, Rows]:
        rows = self._empty_rows(hidden_BSD)
        _add_norm(hidden_BSD, update_BSD, gate, modulation, epsilon, rows)
        return hidden_BSD, rows

    def add(self, hidden_BSD: torch.Tensor, update_BND: torch.Tensor, gate: ByGroup | None) -> torch.Tensor:
        _add_norm(hidden_BSD[:, : update_BND.shape[1]], update_BND, gate, None, 0.0, None)
        return hidden_BSD

    def heads(
        self, projected_BSD: torch.Tensor, weight_D: torch.Tensor, num_heads: int, epsilon: float
    ) -> torch.Tensor:
        return _rotate(projected_BSD, weight_D, num_heads, epsilon, None)

    def rotated_heads(
        self,
        projected_BSD: torch.Tensor,
        weight_D: torch.Tensor,
        num_heads: int,
        epsilon: float,
        rope: RotaryTable,
    ) -> torch.Tensor:
        return _rotate(projected_BSD, weight_D, num_heads, epsilon, rope)

    def expand(self, layer: Linear, rows: Rows) -> Rows:
        if self.scaled:
            return self._scale(layer(rows), gelu=True)
        if isinstance(layer, WeightLinear):
            assert isinstance(rows, torch.Tensor)
            return _multiply_gelu(layer, rows)
        return F.gelu(layer(rows), approximate="tanh")

    def pack(self, rows: torch.Tensor) -> Rows:
        return self._scale(rows, gelu=False) if self.scaled else rows

    def _empty_rows(self, hidden_BSD: torch.Tensor) -> Rows:
        values = torch.empty(hidden_BSD.shape, device=hidden_BSD.device, dtype=self.dtype)
        if not self.scaled:
            return values
        return Float8Rows(values, torch.empty(*hidden_BSD.shape[:-1], 1, device=hidden_BSD.device))

    def _scale(self, rows: torch.Tensor, gelu: bool) -> Float8Rows:
        assert rows.is_contiguous()
        width = rows.shape[-1]
        out = torch.empty(rows.shape, device=rows.device, dtype=self.dtype)
        scale = torch.empty(*rows.shape[:-1], 1, device=rows.device)
        with torch.cuda.device_of(rows):
            scale_rows[(scale.numel(),)](
                rows, out, scale, width, GELU=gelu, BLOCK=triton.next_power_of_2(width), num_warps=_warps(width)
            )
        return Float8Rows(out, scale)


def _add_norm(
    hidden_BSD: torch.Tensor,
    update_BSD: torch.Tensor | None,
    gate: ByGroup | None,
    modulation: Modulation | None,
    epsilon: float,
    out: Rows | None,
) -> None:
    """Update `hidden` in place where there is an update, and norm it into `out` where there is a modulation."""
    batch, rows, width = hidden_BSD.shape
    # What the program takes for granted.
    assert hidden_BSD.dtype == torch.float32
    assert hidden_BSD.stride()[1:] == (width, 1), hidden_BSD.stride()
    assert update_BSD is None or update_BSD.is_contiguous()
    multiplier, offset = (None, None) if modulation is None else (modulation.multiplier, modulation.offset)
    values, scale = (out.values, out.scale) if isinstance(out, Float8Rows) else (out, None)
    with torch.cuda.device_of(hidden_BSD):
        add_norm_rows[(batch * rows,)](
            hidden_BSD,
            update_BSD,
            _vectors(gate),
            _vectors(multiplier),
            _vectors(offset),
            values,
            scale,
            rows,
            hidden_BSD.stride(0),
            *_groups(gate),
            _stride(gate),
            *_groups(multiplier),
            _stride(multiplier),
            _stride(offset),
            width,
            epsilon,
            ADD=update_BSD is not None,
            GATE=gate is not None,
            NORM=modulation is not None,
            SCALE=scale is not None,
            BLOCK=triton.next_power_of_2(width),
            num_warps=_warps(width),
        )


def _rotate(
    projected_BSD: torch.Tensor, weight_D: torch.Tensor, num_heads: int, epsilon: float, rope: RotaryTable | None
) -> torch.Tensor:
    batch, rows, width = projected_BSD.shape
    assert projected_BSD.is_contiguous()
    out = torch.empty_like(projected_BSD)
    with torch.cuda.device_of(projected_BSD):
        rotate_rows[(batch * rows,)](
            projected_BSD,
            weight_D,
            None if rope is None else rope.cos_S1P,
            None if rope is None else rope.sin_S1P,
            out,
            rows,
            width,
            epsilon,
            ROTATE=rope is not None,
            PAIRS=width // num_heads // 2,
            BLOCK=triton.next_power_of_2(width),
            num_warps=_warps(width),
        )
    return out.unflatten(-1, (num_heads, -1))


def _multiply_gelu(layer: WeightLinear, rows: torch.Tensor) -> torch.Tensor:
    """The matrix product rounds once where cuBLAS applies the bias and GELU (tanh) to its float32 sums."""
    if rows.device.type != "cuda":
        return F.gelu(layer(rows), approximate="tanh")
    flat = rows.flatten(0, -2)
    product = torch.ops.aten._addmm_activation(layer.bias, flat, layer.weight.t(), use_gelu=True)
    return product.unflatten(0, rows.shape[:-1])


def _vectors(groups: ByGroup | None) -> torch.Tensor | None:
    if groups is None:
        return None
    vectors_BGD = groups.vectors_BGD
    assert vectors_BGD.dtype == torch.float32
    _, groups_here, width = vectors_BGD.shape
    # Of one vector, how far it is to the next means nothing.
    assert vectors_BGD.stride(2) == 1, vectors_BGD.stride()
    assert groups_here == 1 or vectors_BGD.stride(1) == width, vectors_BGD.stride()
    return vectors_BGD


def _groups(groups: ByGroup | None) -> tuple[int, int]:
    """Rows of a group, and groups."""
    return (1, 1) if groups is None else (groups.rows, groups.vectors_BGD.shape[1])


def _stride(groups: ByGroup | None) -> int:
    """From a member of the batch to the next."""
    return 0 if groups is None or groups.vectors_BGD.shape[0] == 1 else groups.vectors_BGD.stride(0)


def _warps(width: int) -> int:
    return _WIDE_WARPS if width > _WIDE else _WARPS
