"""What happens to pictures that a model makes: they are a little soft, tinted, wavy, blocky and noisy."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_SHARP_SHARE = 0.2
_SOFTEST = 1.2
"""Pixels of the widest blur's deviation."""
_UNSHRUNK_SHARE = 0.6
_COARSEST = 1.8
"""Pixels that become one in the smallest picture, before it is made large again."""
_GAIN, _TINT = 0.10, 0.06
_WAVE, _WAVES = 0.06, 16
_BLOCK = 8
_COARSEST_STEP = 0.15
"""Of the lowest frequencies; about that of JPEG at half its quality."""
_NOISE = 0.06


def distort(frames_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures from -1 to 1, each distorted in its own way; only the first half of them is made blocky.

    The generator is one of their device.
    """
    frames_NCHW = _soften(frames_NCHW, generator)
    frames_NCHW = _tint(frames_NCHW, generator)
    frames_NCHW = _wave(frames_NCHW, generator)
    half = len(frames_NCHW) // 2
    frames_NCHW = torch.cat((_block(frames_NCHW[:half], generator), frames_NCHW[half:]))
    deviation = _NOISE * _draw(frames_NCHW, generator)
    noise = torch.randn(frames_NCHW.shape, generator=generator, device=frames_NCHW.device)
    return (frames_NCHW + deviation * noise).clamp_(-1, 1)


def _draw(like_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """A number from 0 to 1 for each picture [N, 1, 1, 1]."""
    return torch.rand(len(like_NCHW), 1, 1, 1, generator=generator, device=like_NCHW.device)


def _above(share: float, drawn: Tensor) -> Tensor:
    """0 for this share of the draws, and evenly up to 1 for the others."""
    return ((drawn - share) / (1 - share)).clamp(min=0)


def _soften(frames_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Blur them, or make some smaller and larger again: the same for rows and columns, so both are one product each."""
    size, device = frames_NCHW.shape[-1], frames_NCHW.device
    deviation = _SOFTEST * _above(_SHARP_SHARE, _draw(frames_NCHW, generator))[:, 0]
    spacing = 1 + (_COARSEST - 1) * _above(_UNSHRUNK_SHARE, _draw(frames_NCHW, generator))[:, 0]
    phase = (spacing - 1) * _draw(frames_NCHW, generator)[:, 0]
    pixels = torch.arange(size, device=device, dtype=torch.float32)
    nodes = phase + spacing * pixels
    distance = (pixels[:, None] - pixels).expand(len(frames_NCHW), -1, -1)
    blur = torch.exp(-0.5 * (distance / deviation.clamp(min=0.1)).square())
    shrink = (1 - (nodes.transpose(1, 2) - pixels).abs() / spacing).clamp(min=0)
    grow = (1 - (pixels[:, None] - nodes).abs() / spacing).clamp(min=0)
    both = _balance(grow) @ (_balance(shrink) @ _balance(blur))
    return both[:, None] @ frames_NCHW @ both.transpose(1, 2)[:, None]


def _balance(weights: Tensor) -> Tensor:
    """Rows that add up to one; those without any weight stay empty."""
    return weights / weights.sum(-1, keepdim=True).clamp(min=1e-6)


def _tint(frames_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """More or less contrast and light, a little more in one colour than in another."""
    count, device = len(frames_NCHW), frames_NCHW.device

    def around(amount: float) -> Tensor:
        same = torch.rand(count, 1, 1, 1, generator=generator, device=device)
        own = torch.rand(count, 3, 1, 1, generator=generator, device=device)
        return amount * (same + own - 1)

    return frames_NCHW * (1 + around(_GAIN)) + around(_TINT)


def _wave(frames_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Large soft spots of light and colour."""
    count, channels, *sides = frames_NCHW.shape
    amount = _WAVE * _draw(frames_NCHW, generator).square()
    spots = torch.randn(count, channels, _WAVES, _WAVES, generator=generator, device=frames_NCHW.device)
    return frames_NCHW + F.interpolate(amount * spots, size=sides, mode="bilinear")


def _block(frames_NCHW: Tensor, generator: torch.Generator) -> Tensor:
    """Round the cosine transforms of blocks, as JPEG does."""
    order = torch.arange(_BLOCK, device=frames_NCHW.device, dtype=torch.float32)
    waves = torch.cos(math.pi / _BLOCK * order[:, None] * (order + 0.5)) * math.sqrt(2 / _BLOCK)
    waves[0] /= math.sqrt(2)
    # One filter for each pair of a wave down and a wave across; the same filters put the blocks together again.
    filters = (waves[:, None, :, None] * waves[:, None, :]).view(_BLOCK**2, 1, _BLOCK, _BLOCK)
    strength = _COARSEST_STEP * _draw(frames_NCHW, generator)
    step = strength * (1 + 0.5 * (order[:, None] + order)).view(1, -1, 1, 1)
    step = step.clamp(min=1e-4).repeat_interleave(frames_NCHW.shape[1], 0)
    coefficients = F.conv2d(frames_NCHW.flatten(0, 1)[:, None], filters, stride=_BLOCK)
    rounded = (coefficients / step).round_().mul_(step)
    return F.conv_transpose2d(rounded, filters, stride=_BLOCK).view(frames_NCHW.shape)
