"""Norm and SiLU, by PyTorch and by the kernel, which Triton interprets where there is no GPU."""

import os
import subprocess
import sys
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_wan import WanRMS_norm

from s2v_runner.autoencoder.activation import Activation, activation_for, norm_silu
from tests.autoencoder.weights import draw

DTYPES = (torch.float32, torch.float16)


def channels_last(chunk: torch.Tensor) -> torch.Tensor:
    return chunk.contiguous(memory_format=torch.channels_last)


def activated(activate: Activation, hidden: torch.Tensor, scale: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Written behind two frames, as a convolution has it."""
    frames, *others = hidden.shape
    buffer = channels_last(torch.full((frames + 2, *others), 7.0, dtype=dtype))
    activate(hidden, scale, buffer[2:])
    assert (buffer[:2] == 7).all()
    return buffer[2:]


@pytest.mark.parametrize("channels", [8, 96])
@torch.no_grad()
def test_it_is_the_norm_and_silu_of_diffusers(channels: int):
    norm = WanRMS_norm(channels, images=False)
    norm.gamma.copy_(draw(channels, 1, 1, 1))
    hidden = channels_last(draw(3, channels, 5, 4))
    wanted = F.silu(norm(hidden.transpose(0, 1)[None]))[0].transpose(0, 1)
    made = activated(norm_silu, hidden, norm.gamma.flatten() * channels**0.5, torch.float32)
    assert (made - wanted).abs().max() < 1e-5


def test_pixels_that_are_black_stay_black():
    hidden = channels_last(torch.zeros(1, 8, 2, 2))
    assert (activated(norm_silu, hidden, torch.ones(8), torch.float16) == 0).all()


def test_on_the_cpu_it_is_left_to_pytorch():
    assert activation_for("cpu") is norm_silu


def compare_kernel() -> None:
    """Run where Triton interprets: that the kernel gives what PyTorch gives."""
    from s2v_runner.autoencoder.activation_triton import norm_silu_triton

    for channels, given, out, size in product((3, 8, 96), DTYPES, DTYPES, (1.0, 1e4)):
        hidden = channels_last(size * draw(2, channels, 7, 5)).to(given)
        hidden[0, :, 0, 0] = 0
        scale = channels**0.5 * draw(channels, seed=1)
        wanted, made = (activated(each, hidden, scale, out) for each in (norm_silu, norm_silu_triton))
        error = (made.float() - wanted.float()).abs().max() / wanted.float().abs().max()
        assert error <= (1e-6 if out == torch.float32 else 1e-3), (channels, given, out, size, error)


def test_the_kernel_gives_what_pytorch_gives():
    pytest.importorskip("triton")
    command = [sys.executable, "-c", f"from {__name__} import compare_kernel; compare_kernel()"]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
