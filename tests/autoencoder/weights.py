"""Autoencoders in which every weight does something, and random numbers."""

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from s2v_runner.autoencoder import Autoencoder
from s2v_runner.checkpoint.vae import assemble_vae


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def draw_diffusers_vae(base_dim: int) -> AutoencoderKLWan:
    vae = AutoencoderKLWan(base_dim=base_dim)
    generator = torch.Generator().manual_seed(base_dim)
    with torch.no_grad():
        for name, parameter in vae.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("weight"):
                parameter.copy_(noise * parameter[0].numel() ** -0.5)
            else:
                parameter.copy_(0.2 * noise + (1.0 if name.endswith("gamma") else 0.0))
        # So that most pixels stay within their bounds.
        vae.decoder.conv_out.weight *= 0.3
    return vae.eval().requires_grad_(False)


def ours(vae: AutoencoderKLWan, operands: torch.dtype = torch.float32) -> Autoencoder:
    return assemble_vae(vae.state_dict(), operands)
