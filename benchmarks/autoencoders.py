"""The autoencoder as the benchmarks see it: two functions. How the project's own is built and called is here alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from benchmarks.machine import weights_gib
from s2v_runner.autoencoder import WHOLE_FRAMES, decode_video, encode_video
from s2v_runner.autoencoder import Autoencoder as Model
from s2v_runner.checkpoint.vae import assemble_vae


@dataclass(frozen=True)
class Precision:
    dtype: torch.dtype
    """Of what convolutions multiply."""
    tf32: bool
    """Whether cuDNN's convolutions may round float32 to TF32; on a CPU they never do."""


EXACT = "float32"
PRECISIONS: Mapping[str, Precision] = {
    EXACT: Precision(torch.float32, tf32=False),
    "tf32": Precision(torch.float32, tf32=True),
    "bfloat16": Precision(torch.bfloat16, tf32=True),
    "float16": Precision(torch.float16, tf32=True),
}


@dataclass(frozen=True)
class Autoencoder:
    encode: Callable[[torch.Tensor], torch.Tensor]
    """Video [B, C, V, H, W] in −1 … 1 → latents [B, C, F, H, W]."""
    decode: Callable[[torch.Tensor], Iterator[torch.Tensor]]
    """Latents → video in chunks: one frame for the first latent, four for each later one."""
    weights_gib: float


def random_vae(width: int, dtype: torch.dtype, device: torch.device) -> Model:
    """What an engine holds, of random weights, the same every time."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), device:
        torch.manual_seed(0)
        return assemble_vae(AutoencoderKLWan(base_dim=width).state_dict(), dtype).requires_grad_(False)


def random_autoencoder(width: int, precision: Precision, device: torch.device) -> Autoencoder:
    vae = random_vae(width, precision.dtype, device)

    def encode(video_BCVHW: torch.Tensor) -> torch.Tensor:
        with _tf32(precision.tf32):
            return encode_video(vae, video_BCVHW, WHOLE_FRAMES)

    def decode(latents_BCFHW: torch.Tensor) -> Iterator[torch.Tensor]:
        with _tf32(precision.tf32):
            yield from decode_video(vae, latents_BCFHW, WHOLE_FRAMES)

    return Autoencoder(encode, decode, weights_gib(vae))


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    """The switch is of the whole process, so it is put back."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
