"""Norms, and the attention layer that blocks and injections share."""

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.transformer.attention import AttentionFunction
from s2v_runner.transformer.backend import Backend, MakeLinear
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.kernels.interface import ByGroup, Kernels, Modulation
from s2v_runner.transformer.linear import Rows, WeightLinear
from s2v_runner.transformer.rope import RotaryTable
from s2v_runner.transformer.sequence import Share


def layer_norm(hidden: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Layer norm without parameters, in float32 because it divides by a variance that bfloat16 would round."""
    return F.layer_norm(hidden.float(), hidden.shape[-1:], eps=epsilon)


class LayerNorm(nn.Module):
    """The weight and bias of a layer norm, which the kernels apply as they do a modulation."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim))
        self.bias = nn.Parameter(torch.empty(dim))

    def modulation(self) -> Modulation:
        """The same for every row. Float32, as everything that norms are multiplied by."""
        return Modulation(*(ByGroup(vector.float()[None, None], 1) for vector in (self.weight, self.bias)))


class RMSNorm(nn.Module):
    """The weight of a root-mean-square norm over the whole width, all heads together."""

    def __init__(self, dim: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.empty(dim))


class AttentionLayer(nn.Module):
    """The four projections of an attention, with norms over all heads together on queries and keys."""

    def __init__(
        self,
        config: TransformerConfig,
        kernels: Kernels,
        attend: AttentionFunction,
        linear: MakeLinear,
        keys: MakeLinear,
    ) -> None:
        super().__init__()
        dim = config.model_dim
        self.num_heads = config.num_heads
        self.kernels = kernels
        self.attend = attend
        self.query = linear(dim, dim)
        self.key = keys(dim, dim)
        self.value = keys(dim, dim)
        self.output = linear(dim, dim)
        self.query_norm = RMSNorm(dim, config.norm_epsilon)
        self.key_norm = RMSNorm(dim, config.norm_epsilon)

    def project(self, found_BSKE: torch.Tensor) -> torch.Tensor:
        """What was found, as an update of the residual stream: [B, S, D]."""
        return self.output(self.kernels.pack(found_BSKE.flatten(-2)))


class SelfAttention(AttentionLayer):
    """Attention of all tokens to all tokens, which knows where they stand by the rotation of queries and keys."""

    def __init__(self, config: TransformerConfig, backend: Backend) -> None:
        super().__init__(config, backend.kernels, backend.attend, backend.linear, backend.linear)
        self.sequence = backend.sequence

    def forward(self, rows: Rows, rope: RotaryTable, share: Share) -> torch.Tensor:
        # Each is on its way to other processes while the next is computed; the cheapest to compute goes first.
        sequence = self.sequence
        value = sequence.to_heads(self.value(rows).unflatten(-1, (self.num_heads, -1)), share)
        query = sequence.to_heads(self._rotated(self.query(rows), self.query_norm, rope), share)
        key = sequence.to_heads(self._rotated(self.key(rows), self.key_norm, rope), share)
        del rows
        return self.project(sequence.to_tokens(self.attend(query(), key(), value()), share))

    def _rotated(self, projected_BSD: torch.Tensor, norm: RMSNorm, rope: RotaryTable) -> torch.Tensor:
        return self.kernels.rotated_heads(projected_BSD, norm.weight, self.num_heads, norm.epsilon, rope)


class CrossAttention(AttentionLayer):
    """Attention to rows that are the same in every step, whose keys and values are made beforehand."""

    def __init__(self, config: TransformerConfig, backend: Backend) -> None:
        super().__init__(config, backend.kernels, backend.attend_few, backend.linear, WeightLinear)

    def prepare_keys(self, source_BTD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [B, T, K, E], in the dtype of the weights."""
        key_BTKE = self._heads(self.key(source_BTD), self.key_norm)
        return key_BTKE, self.value(source_BTD).unflatten(-1, (self.num_heads, -1))

    def look_up(self, query_BSKE: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor) -> torch.Tensor:
        """Attend, and project what was found: [B, S, D]."""
        return self.project(self.attend(query_BSKE, key_BTKE, value_BTKE))

    def queries(self, rows: Rows) -> torch.Tensor:
        """[B, S, K, E]"""
        return self._heads(self.query(rows), self.query_norm)

    def _heads(self, projected_BSD: torch.Tensor, norm: RMSNorm) -> torch.Tensor:
        return self.kernels.heads(projected_BSD, norm.weight, self.num_heads, norm.epsilon)
