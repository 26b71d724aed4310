"""An autoencoder in which every weight does something."""

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan


@pytest.fixture(scope="session")
def random_vae() -> AutoencoderKLWan:
    """Of the released architecture, four channels wide at its widest resolution; not to be changed by a test."""
    vae = AutoencoderKLWan(base_dim=4)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in vae.named_parameters():
            if name.endswith("weight"):
                parameter.normal_(std=parameter[0].numel() ** -0.5, generator=generator)
            else:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(0.2 * noise + (1.0 if name.endswith("gamma") else 0.0))
    return vae.requires_grad_(False)
