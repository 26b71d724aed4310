"""Norms, and the attention layer that blocks and injections share."""

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.transformer.attention import AttentionFunction
from s2v_runner.transformer.config import TransformerConfig


def layer_norm(hidden: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Layer norm without parameters, in float32 because it divides by a variance that bfloat16 would round."""
    return F.layer_norm(hidden.float(), hidden.shape[-1:], eps=epsilon)


class LayerNorm(nn.Module):
    """Layer norm with weight and bias, float32 inside and out."""

    def __init__(self, dim: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.empty(dim))
        self.bias = nn.Parameter(torch.empty(dim))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(hidden.float(), hidden.shape[-1:], self.weight.float(), self.bias.float(), self.epsilon)


class RMSNorm(nn.Module):
    """Root-mean-square norm over the whole width, all heads together; float32 inside and out.

    It leaves its result in float32 because the rotation that follows wants it so.
    """

    def __init__(self, dim: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.empty(dim))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(hidden.float(), hidden.shape[-1:], self.weight.float(), self.epsilon)


class AttentionLayer(nn.Module):
    """The four projections of an attention, with norms on queries and keys.

    Projections compute in the dtype of their weights, the norms in float32.
    """

    def __init__(self, config: TransformerConfig, attend: AttentionFunction) -> None:
        super().__init__()
        dim = config.model_dim
        self.num_heads = config.num_heads
        self.attend = attend
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self.query_norm = RMSNorm(dim, config.norm_epsilon)
        self.key_norm = RMSNorm(dim, config.norm_epsilon)

    def queries(self, hidden_BSD: torch.Tensor) -> torch.Tensor:
        """Normed queries [B, S, K, E], float32."""
        hidden_BSD = hidden_BSD.to(self.query.weight.dtype)
        return self._split(self.query_norm(self.query(hidden_BSD)))

    def keys(self, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """Normed keys [B, T, K, E], float32."""
        return self._split(self.key_norm(self.key(hidden_BTD.to(self.key.weight.dtype))))

    def values(self, hidden_BTD: torch.Tensor) -> torch.Tensor:
        """Values [B, T, K, E], in the dtype of the weights."""
        return self._split(self.value(hidden_BTD.to(self.value.weight.dtype)))

    def look_up(self, query_BSKE: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor) -> torch.Tensor:
        """Attend in the dtype of the values and project: [B, S, D]."""
        dtype = value_BTKE.dtype
        return self.output(self.attend(query_BSKE.to(dtype), key_BTKE.to(dtype), value_BTKE).flatten(-2))

    def _split(self, hidden_BSD: torch.Tensor) -> torch.Tensor:
        return hidden_BSD.unflatten(-1, (self.num_heads, -1))
