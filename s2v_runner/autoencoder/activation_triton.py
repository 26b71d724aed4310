"""`activation.norm_silu` as one kernel: each pixel's channels are read once and written once."""

from typing import Any

import torch
import triton
import triton.language as tl

from s2v_runner.autoencoder.activation import MINIMAL_LENGTH

_BLOCK = 4096
"""Numbers a program works on at once."""


@triton.jit
def _norm_silu_kernel(
    hidden_ptr,
    scale_ptr,
    out_ptr,
    num_rows,
    channels,
    minimal_length: tl.constexpr,
    ROWS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    # 64 bits, because a chunk of a large video has more numbers than 31 bits count.
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    channel = tl.arange(0, CHANNELS)[None, :]
    inside = (row < num_rows) & (channel < channels)
    place = row * channels + channel
    hidden = tl.load(hidden_ptr + place, mask=inside, other=0.0).to(tl.float32)
    scale = tl.load(scale_ptr + channel, mask=channel < channels, other=0.0)
    length = tl.maximum(tl.sqrt(tl.sum(hidden * hidden, axis=1)), minimal_length)[:, None]
    normed = hidden / length * scale
    silu = normed / (1.0 + tl.exp(-normed))
    tl.store(out_ptr + place, silu.to(out_ptr.dtype.element_ty), mask=inside)


def norm_silu_triton(hidden_TCHW: torch.Tensor, scale_C: torch.Tensor, out_TCHW: torch.Tensor) -> None:
    """See `norm_silu`. Both chunks must be dense in channels-last memory."""
    frames, channels, rows, columns = hidden_TCHW.shape
    assert hidden_TCHW.permute(0, 2, 3, 1).is_contiguous()
    assert out_TCHW.permute(0, 2, 3, 1).is_contiguous()
    num_rows = frames * rows * columns
    width = triton.next_power_of_2(channels)
    rows_at_once = max(1, _BLOCK // width)
    constants: dict[str, Any] = {"minimal_length": MINIMAL_LENGTH, "ROWS": rows_at_once, "CHANNELS": width}
    programs = triton.cdiv(num_rows, rows_at_once)
    # Triton starts kernels on the current device, whichever the tensors are on.
    with torch.cuda.device_of(hidden_TCHW):
        _norm_silu_kernel[(programs,)](hidden_TCHW, scale_C, out_TCHW, num_rows, channels, **constants)
