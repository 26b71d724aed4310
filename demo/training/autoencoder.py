"""The causal video autoencoder, trained on rendered takes.

`AutoencoderKLWan` works through a video in chunks of four frames, with caches in between. Training sees whole videos
at once instead, which is the same arithmetic in a fifth of the kernel launches: `encode_moments` and `decode_whole`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, WanResample, WanUpBlock
from torch import nn

from demo.training.optimizers import Optimizers
from demo.training.pace import Average, Beat, LossLog, Span, beats, learning_rate
from demo.training.pooling import begin_as_pooling


@dataclass(frozen=True)
class AutoencoderSettings:
    peak_rate: float
    warm_up_steps: int
    divergence_weight: float
    """Of the Kullback-Leibler divergence from a unit normal distribution, a latent value."""
    edge_weight: float
    """Of the differences between neighbouring pixels, which keep lips and lashes sharp."""


_DIVERGENCE_COMES_IN = 0.3
_FIRST_LOG_VARIANCE = -6.0


@dataclass(frozen=True)
class Batch:
    """Videos to learn from."""

    video_BCVHW: torch.Tensor
    weight_B1VHW: torch.Tensor
    """How much a pixel counts: more at the mouth and the eyes."""


def build_autoencoder(base_dim: int, seed: int) -> AutoencoderKLWan:
    """One that passes on mean colours and knows nothing else, with little noise on its latents.

    With as much noise as is usual at first, it would learn to ignore them.
    """
    vae = AutoencoderKLWan(base_dim=base_dim)
    begin_as_pooling(vae, torch.Generator().manual_seed(seed))
    assert vae.quant_conv.bias is not None
    with torch.no_grad():
        vae.quant_conv.bias[len(vae.quant_conv.bias) // 2 :] = _FIRST_LOG_VARIANCE
    return vae


def train_autoencoder(
    vae: AutoencoderKLWan,
    draw_batch: Callable[[Beat], Batch],
    settings: AutoencoderSettings,
    span: Span,
    log: Path,
) -> None:
    """Train `vae` in place on the batches of each step."""
    optimizers = Optimizers(vae, _is_matrix_within, betas=(0.9, 0.99), weight_decay=0.0)
    average = Average(vae, decay=0.999)
    losses = LossLog(log, every=50)
    device = vae.device.type
    for beat in beats(span):
        batch = draw_batch(beat)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            terms = _loss_terms(vae, batch)
        # Before anything can be told from the latents, nothing would hold against it.
        grown = min(1.0, beat.share / _DIVERGENCE_COMES_IN)
        divergence = grown * settings.divergence_weight * terms["divergence"]
        loss = terms["pixels"] + settings.edge_weight * terms["edges"] + divergence
        norm = optimizers.step(loss, learning_rate(settings.peak_rate, beat, settings.warm_up_steps))
        average.update()
        losses.write(beat, **terms, gradient=norm)
    average.apply()


def _is_matrix_within(name: str, parameter: nn.Parameter) -> bool:
    """The convolutions, but for those that pixels and latents go in and out by."""
    at_an_end = any(part in name for part in ("conv_in", "conv_out", "quant_conv"))
    return name.endswith("weight") and parameter.dim() > 3 and not at_an_end


def _loss_terms(vae: AutoencoderKLWan, batch: Batch) -> dict[str, torch.Tensor]:
    mean, log_variance = encode_moments(vae, batch.video_BCVHW)
    log_variance = log_variance.float().clamp(-20.0, 10.0)
    mean = mean.float()
    drawn = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    made = decode_whole(vae, drawn).float()
    difference = made - batch.video_BCVHW
    weight = batch.weight_B1VHW
    total = weight.mean()
    across = (difference[..., 1:] - difference[..., :-1]) * weight[..., 1:]
    down = (difference[..., 1:, :] - difference[..., :-1, :]) * weight[..., 1:, :]
    return {
        "pixels": (difference.abs() * weight).mean() / total,
        "edges": (across.abs().mean() + down.abs().mean()) / total,
        "divergence": 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean(),
    }


def encode_moments(vae: AutoencoderKLWan, video_BCVHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and logarithm of the variance of each latent value, [B, C, F, H, W] both, for 1 + 4·n frames at once."""
    encoder = vae.encoder
    hidden = encoder.conv_in(video_BCVHW)
    for layer in encoder.down_blocks:
        hidden = _downsample_whole(layer, hidden) if isinstance(layer, WanResample) else layer(hidden)
    hidden = encoder.mid_block(hidden)
    hidden = encoder.conv_out(F.silu(encoder.norm_out(hidden)))
    mean, log_variance = vae.quant_conv(hidden).chunk(2, dim=1)
    return mean, log_variance


def decode_whole(vae: AutoencoderKLWan, latents_BCFHW: torch.Tensor) -> torch.Tensor:
    """Unscaled latents → 1 + 4·n frames at once, not clamped."""
    decoder = vae.decoder
    hidden = decoder.mid_block(decoder.conv_in(vae.post_quant_conv(latents_BCFHW)))
    for block in decoder.up_blocks:
        assert isinstance(block, WanUpBlock)
        for resnet in block.resnets:
            hidden = resnet(hidden)
        for resample in block.upsamplers or ():
            assert isinstance(resample, WanResample)
            hidden = _upsample_whole(resample, hidden)
    return decoder.conv_out(F.silu(decoder.norm_out(hidden)))


def _downsample_whole(layer: WanResample, hidden_BCVHW: torch.Tensor) -> torch.Tensor:
    """The first frame keeps its moment to itself; each later pair becomes one, looking back by one frame."""
    smaller = _frame_by_frame(layer.resample, hidden_BCVHW)
    if layer.mode != "downsample3d" or smaller.shape[2] == 1:
        return smaller
    return torch.cat((smaller[:, :, :1], layer.time_conv(smaller)), dim=2)


def _upsample_whole(layer: WanResample, hidden_BCVHW: torch.Tensor) -> torch.Tensor:
    """The first frame stays one; each later one becomes two, none of which sees the first."""
    if layer.mode == "upsample3d" and hidden_BCVHW.shape[2] > 1:
        first, later = hidden_BCVHW[:, :, :1], hidden_BCVHW[:, :, 1:]
        pairs = layer.time_conv(later).unflatten(1, (2, -1))
        hidden_BCVHW = torch.cat((first, pairs.transpose(1, 2).transpose(2, 3).flatten(2, 3)), dim=2)
    return _frame_by_frame(layer.resample, hidden_BCVHW)


def _frame_by_frame(layer: nn.Module, hidden_BCVHW: torch.Tensor) -> torch.Tensor:
    frames = hidden_BCVHW.transpose(1, 2)
    return layer(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]).transpose(1, 2)


@torch.no_grad()
def bring_to_scale(vae: AutoencoderKLWan, means_BCFHW: torch.Tensor) -> None:
    """Change the outermost layers so that latents like `means_BCFHW` have the released model's mean and deviation.

    Whoever loads an autoencoder of this architecture undoes those sixteen constants, which no checkpoint holds; after
    this, what they see has mean 0 and deviation 1 in every channel, and decodes as before.
    """
    channels = means_BCFHW.shape[1]
    deviation, mean = torch.std_mean(means_BCFHW.transpose(0, 1).flatten(1).double(), dim=1)
    wanted_mean, wanted_deviation = (
        torch.tensor(vae.config[name], device=means_BCFHW.device, dtype=torch.float64)
        for name in ("latents_mean", "latents_std")
    )
    factor = wanted_deviation / deviation
    offset = wanted_mean - mean * factor
    into, out_of = vae.quant_conv, vae.post_quant_conv
    assert into.bias is not None
    assert out_of.bias is not None
    column = factor.view(-1, 1, 1, 1, 1)
    into.weight[:channels] = (into.weight[:channels] * column).to(into.weight)
    into.bias[:channels] = (into.bias[:channels] * factor + offset).to(into.bias)
    into.bias[channels:] += (2 * factor.log()).to(into.bias)
    weight = out_of.weight.double()
    out_of.bias -= (weight[:, :, 0, 0, 0] @ (offset / factor)).to(out_of.bias)
    out_of.weight.copy_(weight / factor.view(1, -1, 1, 1, 1))
