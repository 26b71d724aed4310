"""Video ↔ latents through the causal autoencoder, in float32 (on a GPU with TF32, unless that is switched off).

Source: `wan/modules/vae2_1.py` of the original; the autoencoder itself is Diffusers' `AutoencoderKLWan`. Latents
are shifted and scaled by the sixteen constants in its configuration.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, WanCausalConv3d
from torch.overrides import TorchFunctionMode


class QuickConvolutions(TorchFunctionMode):
    """On a CPU, 3-D convolutions of a single video by oneDNN.

    PyTorch keeps oneDNN for batches and for large inputs, and takes six to ten times as long for what a small
    autoencoder gives it.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func is F.conv3d and _fits_onednn(args[0]):
            return _convolve(*args, **given)
        return func(*args, **given)


def _fits_onednn(hidden_BCVHW: torch.Tensor) -> bool:
    return (
        hidden_BCVHW.device.type == "cpu"
        and hidden_BCVHW.dtype == torch.float32
        and not torch.is_grad_enabled()
        and torch.backends.mkldnn.is_available()
    )


def _convolve(
    hidden_BCVHW: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    """In the order of what `torch.nn.Conv3d` calls."""
    return torch.ops.aten.mkldnn_convolution(hidden_BCVHW, weight, bias, padding, stride, dilation, groups)


def encode_video(vae: AutoencoderKLWan, video_BCVHW: torch.Tensor) -> torch.Tensor:
    """Video in −1 … 1 → latents [B, C, F, H, W], float32: the mean of the distribution, never a draw from it."""
    mean, inverse_deviation = _scaling(vae)
    with QuickConvolutions():
        (posterior,) = vae.encode(video_BCVHW.to(vae.device, torch.float32), return_dict=False)
    return (posterior.mode() - mean) * inverse_deviation


def decode_video(vae: AutoencoderKLWan, latents_BCFHW: torch.Tensor) -> Iterator[torch.Tensor]:
    """Latents → video in −1 … 1, in chunks as they come: one frame for the first latent, four for each later one.

    The same as decoding the whole, because the decoder is causal; only its caches are kept in between.
    """
    mean, inverse_deviation = _scaling(vae)
    unscaled = latents_BCFHW.to(vae.device, torch.float32) / inverse_deviation + mean
    with QuickConvolutions():
        unscaled = vae.post_quant_conv(unscaled)
    caches = [None] * sum(isinstance(module, WanCausalConv3d) for module in vae.decoder.modules())
    for index in range(unscaled.shape[2]):
        chunk = unscaled[:, :, index : index + 1]
        with QuickConvolutions():
            frames = vae.decoder(chunk, feat_cache=caches, feat_idx=[0], first_chunk=index == 0)
        yield frames.clamp(-1.0, 1.0)


def _scaling(vae: AutoencoderKLWan) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean and the inverse of the deviation, [1, C, 1, 1, 1]."""
    mean, deviation = (
        torch.tensor(constants, device=vae.device, dtype=torch.float32).view(1, -1, 1, 1, 1)
        for constants in (vae.config["latents_mean"], vae.config["latents_std"])
    )
    return mean, 1.0 / deviation
