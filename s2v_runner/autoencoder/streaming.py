"""Whole videos, worked through chunk by chunk."""

from collections.abc import Iterator

import torch

from s2v_runner.autoencoder.convolution import State
from s2v_runner.autoencoder.model import Autoencoder
from s2v_runner.autoencoder.strips import Strips

_FRAMES_A_LATENT = 4


def encode_video(autoencoder: Autoencoder, video_BCVHW: torch.Tensor, strips: Strips) -> torch.Tensor:
    """Video of 1 + 4·n frames in −1 … 1, on any device → latents [B, C, F, H, W], float32, on the autoencoder's.

    The mean of the distribution, never a draw from it, brought to the scale of `AutoencoderConfig`. Where `strips` has
    several processes share the video, each is given all of it and is given back all of its latents.
    """
    return torch.stack([_encode_one(autoencoder, video_CVHW, strips) for video_CVHW in video_BCVHW])


def decode_video(autoencoder: Autoencoder, latents_BCFHW: torch.Tensor, strips: Strips) -> Iterator[torch.Tensor]:
    """Latents → video in −1 … 1, in chunks as they come: one frame for the first latent, four for each later one.

    The same as decoding the whole, because the decoder is causal; only its state is kept in between. Where `strips` has
    several processes share the video, each is given all latents, is given all frames, and asks for as many chunks.
    """
    mean_C111, deviation_C111 = _scale(autoencoder)
    unscaled_BCFHW = latents_BCFHW.to(autoencoder.device, torch.float32) * deviation_C111 + mean_C111
    states = [State(strips.of(unscaled_BCFHW.shape[-2])) for _ in unscaled_BCFHW]
    for latent_BCHW in unscaled_BCFHW.unbind(2):
        yield torch.stack([_decode_chunk(autoencoder, *pair) for pair in zip(latent_BCHW, states, strict=True)])


def _encode_one(autoencoder: Autoencoder, video_CVHW: torch.Tensor, strips: Strips) -> torch.Tensor:
    mean_C111, deviation_C111 = _scale(autoencoder)
    state = State(strips.of(video_CVHW.shape[-2] // autoencoder.rows_a_latent))
    latents = []
    for chunk_CTHW in _chunks(state.strip.own(video_CVHW)):
        frames_TCHW = _channels_last(chunk_CTHW.transpose(0, 1).to(autoencoder.device, torch.float32))
        latents.append(autoencoder.encode(frames_TCHW, state))
    latents_CFHW = state.strip.whole(torch.cat(latents)).transpose(0, 1)
    return ((latents_CFHW - mean_C111) / deviation_C111).contiguous()


def _chunks(video_CVHW: torch.Tensor) -> Iterator[torch.Tensor]:
    frames = video_CVHW.shape[1]
    assert frames % _FRAMES_A_LATENT == 1, frames
    yield video_CVHW[:, :1]
    for begin in range(1, frames, _FRAMES_A_LATENT):
        yield video_CVHW[:, begin : begin + _FRAMES_A_LATENT]


def _decode_chunk(autoencoder: Autoencoder, latent_CHW: torch.Tensor, state: State) -> torch.Tensor:
    """A latent that is not scaled → frames [C, T, H, W]."""
    frames_TCHW = autoencoder.decode(_channels_last(state.strip.own(latent_CHW.unsqueeze(0))), state)
    return state.strip.whole(frames_TCHW.clamp_(-1.0, 1.0)).transpose(0, 1)


def _channels_last(hidden_TCHW: torch.Tensor) -> torch.Tensor:
    return hidden_TCHW.contiguous(memory_format=torch.channels_last)


def _scale(autoencoder: Autoencoder) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of the latents, [C, 1, 1, 1]."""
    config = autoencoder.config
    mean, deviation = (
        torch.tensor(constants, device=autoencoder.device, dtype=torch.float32).view(-1, 1, 1, 1)
        for constants in (config.latents_mean, config.latents_deviation)
    )
    return mean, deviation
