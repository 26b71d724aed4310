"""What a set of kernels offers, and the records it takes and gives."""

from dataclasses import dataclass
from typing import Protocol

import torch

from s2v_runner.transformer.linear import Linear, Rows
from s2v_runner.transformer.rope import RotaryTable


@dataclass(frozen=True)
class ByGroup:
    """One vector for each group of consecutive rows: row s takes vector min(s // rows, G − 1)."""

    vectors_BGD: torch.Tensor
    """Float32. A batch of one serves every member."""
    rows: int


@dataclass(frozen=True)
class Modulation:
    """What a normed row is multiplied by, and what is added to it then."""

    multiplier: ByGroup
    offset: ByGroup


class Kernels(Protocol):
    """Norms are layer norms without parameters of their own; they, sums and gates are float32.

    The residual stream `hidden` is consumed: what is returned in its place may be the same memory.
    """

    def norm(self, hidden_BSD: torch.Tensor, modulation: Modulation, epsilon: float) -> Rows:
        """Normed and modulated, ready for a matrix."""
        ...

    def add_norm(
        self,
        hidden_BSD: torch.Tensor,
        update_BSD: torch.Tensor,
        gate: ByGroup | None,
        modulation: Modulation,
        epsilon: float,
    ) -> tuple[torch.Tensor, Rows]:
        """hidden + gate · update, and that normed and modulated."""
        ...

    def add(self, hidden_BSD: torch.Tensor, update_BND: torch.Tensor, gate: ByGroup | None) -> torch.Tensor:
        """hidden + gate · update, where an update of fewer rows is for the first of them."""
        ...

    def heads(
        self, projected_BSD: torch.Tensor, weight_D: torch.Tensor, num_heads: int, epsilon: float
    ) -> torch.Tensor:
        """RMS-normed over the whole width and divided into heads [B, S, K, E], in the dtype of `projected_BSD`."""
        ...

    def rotated_heads(
        self,
        projected_BSD: torch.Tensor,
        weight_D: torch.Tensor,
        num_heads: int,
        epsilon: float,
        rope: RotaryTable,
    ) -> torch.Tensor:
        """The same, turned by each token's angles before it is rounded."""
        ...

    def expand(self, layer: Linear, rows: Rows) -> Rows:
        """GELU (tanh) of a linear layer, ready for the next matrix."""
        ...

    def pack(self, rows: torch.Tensor) -> Rows:
        """Rows as they are, ready for a matrix."""
        ...
