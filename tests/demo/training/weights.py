"""What is trained here, as the pipeline has it."""

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from s2v_runner.autoencoder import Autoencoder
from s2v_runner.checkpoint.vae import assemble_vae


def for_pipeline(vae: AutoencoderKLWan) -> Autoencoder:
    return assemble_vae(vae.state_dict(), torch.float32)
