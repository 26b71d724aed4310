"""Norm and SiLU in one step, from a chunk into the buffer that a convolution reads."""

import importlib.util
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F

Activation = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]
"""Given a chunk [T, C, H, W], a scale [C] in float32 and where to write: both chunks in channels-last memory."""

MINIMAL_LENGTH = 1e-12
"""What the length of a pixel's channels is taken to be at least."""


@cache
def activation_for(device_type: str) -> Activation:
    """The quickest there is for a kind of device: a Triton kernel where that runs, PyTorch elsewhere."""
    if device_type == "cuda" and importlib.util.find_spec("triton") is not None:
        from s2v_runner.autoencoder.activation_triton import norm_silu_triton

        return norm_silu_triton
    return norm_silu


def norm_silu(hidden_TCHW: torch.Tensor, scale_C: torch.Tensor, out_TCHW: torch.Tensor) -> None:
    """SiLU(`scale_C` · channels of each pixel, brought to length 1) into `out_TCHW`.

    In float32 inside, because it divides by a length that 16 bits would round.
    """
    rows_THWC, out_THWC = hidden_TCHW.permute(0, 2, 3, 1), out_TCHW.permute(0, 2, 3, 1)
    lengths = torch.linalg.vector_norm(rows_THWC, dim=-1, keepdim=True, dtype=torch.float32)
    normed = out_THWC if out_THWC.dtype == torch.float32 else torch.empty_like(out_THWC, dtype=torch.float32)
    torch.div(rows_THWC, lengths.clamp_min_(MINIMAL_LENGTH), out=normed)
    F.silu(normed.mul_(scale_C), inplace=True)
    if normed is not out_THWC:
        out_THWC.copy_(normed)
