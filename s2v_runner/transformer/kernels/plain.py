"""The kernels in PyTorch's own operations, out of place, with gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F

from s2v_runner.transformer.kernels.interface import ByGroup, Modulation
from s2v_runner.transformer.linear import Linear, Rows, quantise
from s2v_runner.transformer.rope import RotaryTable, rotate


@dataclass(frozen=True)
class PlainKernels:
    """See `Kernels` for what each method computes."""

    form: Callable[[torch.Tensor], Rows]
    """From rows to what the matrices take."""

    def norm(self, hidden_BSD: torch.Tensor, modulation: Modulation, epsilon: float) -> Rows:
        # In float32 because it divides by a variance that bfloat16 would round.
        normed_BSD = F.layer_norm(hidden_BSD.float(), hidden_BSD.shape[-1:], eps=epsilon)
        return self.form(_modulate(normed_BSD, modulation))

    def add_norm(
        self,
        hidden_BSD: torch.Tensor,
        update_BSD: torch.Tensor,
        gate: ByGroup | None,
        modulation: Modulation,
        epsilon: float,
    ) -> tuple[torch.Tensor, Rows]:
        hidden_BSD = self.add(hidden_BSD, update_BSD, gate)
        return hidden_BSD, self.norm(hidden_BSD, modulation, epsilon)

    def add(self, hidden_BSD: torch.Tensor, update_BND: torch.Tensor, gate: ByGroup | None) -> torch.Tensor:
        first = update_BND.shape[1]
        added_BND = hidden_BSD[:, :first] + (update_BND if gate is None else _scale(update_BND, gate))
        return added_BND if first == hidden_BSD.shape[1] else torch.cat((added_BND, hidden_BSD[:, first:]), dim=1)

    def heads(
        self, projected_BSD: torch.Tensor, weight_D: torch.Tensor, num_heads: int, epsilon: float
    ) -> torch.Tensor:
        return _heads(projected_BSD, weight_D, num_heads, epsilon).to(projected_BSD.dtype)

    def rotated_heads(
        self,
        projected_BSD: torch.Tensor,
        weight_D: torch.Tensor,
        num_heads: int,
        epsilon: float,
        rope: RotaryTable,
    ) -> torch.Tensor:
        return rotate(_heads(projected_BSD, weight_D, num_heads, epsilon), rope).to(projected_BSD.dtype)

    def expand(self, layer: Linear, rows: Rows) -> Rows:
        return self.form(F.gelu(layer(rows), approximate="tanh"))

    def pack(self, rows: torch.Tensor) -> Rows:
        return self.form(rows)


def as_they_are(rows: torch.Tensor) -> Rows:
    """The form of layers that round rows themselves, to the dtype of their weights."""
    return rows


PLAIN = PlainKernels(as_they_are)
PLAIN_FLOAT8 = PlainKernels(quantise)


def _heads(projected_BSD: torch.Tensor, weight_D: torch.Tensor, num_heads: int, epsilon: float) -> torch.Tensor:
    """Float32, because the rotation that may follow wants it so."""
    normed_BSD = F.rms_norm(projected_BSD.float(), projected_BSD.shape[-1:], weight_D.float(), epsilon)
    return normed_BSD.unflatten(-1, (num_heads, -1))


def _modulate(normed_BSD: torch.Tensor, modulation: Modulation) -> torch.Tensor:
    multipliers, offsets = modulation.multiplier, modulation.offset
    pieces = zip(
        _pieces(normed_BSD, multipliers),
        multipliers.vectors_BGD.split(1, dim=1),
        offsets.vectors_BGD.split(1, dim=1),
        strict=True,
    )
    modulated = [torch.addcmul(offset, piece, multiplier) for piece, multiplier, offset in pieces]
    return modulated[0] if len(modulated) == 1 else torch.cat(modulated, dim=1)


def _scale(update_BSD: torch.Tensor, gate: ByGroup) -> torch.Tensor:
    pieces = zip(_pieces(update_BSD, gate), gate.vectors_BGD.split(1, dim=1), strict=True)
    scaled = [piece * vector for piece, vector in pieces]
    return scaled[0] if len(scaled) == 1 else torch.cat(scaled, dim=1)


def _pieces(rows_BSD: torch.Tensor, groups: ByGroup) -> tuple[torch.Tensor, ...]:
    """The rows of each group."""
    count, total = groups.vectors_BGD.shape[1], rows_BSD.shape[1]
    bounds = [min(group * groups.rows, total) for group in range(count)] + [total]
    return rows_BSD.split([end - begin for begin, end in pairwise(bounds)], dim=1)
