"""Norms and head layouts that blocks and injections share."""

import torch
import torch.nn.functional as F
from torch import nn


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


def split_heads(hidden_BSD: torch.Tensor, num_heads: int) -> torch.Tensor:
    return hidden_BSD.unflatten(-1, (num_heads, -1))


def merge_heads(heads_BSKE: torch.Tensor) -> torch.Tensor:
    return heads_BSKE.flatten(-2)
