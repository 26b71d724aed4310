"""From latents, text and time to tokens and vectors of the model's width."""

import torch
import torch.nn.functional as F
from torch import nn


class PatchEmbedding(nn.Module):
    """A convolution whose stride is its kernel: every patch of the latents becomes one token.

    Written as patches times a matrix. The weight keeps the shape of the convolution it is in the checkpoint.
    Computed in float32, whatever the rest is: it is a ten-thousandth of the arithmetic, and latents rounded to
    bfloat16 on the way in would put an error of 2⁻⁹ in front of everything that follows.
    """

    def __init__(self, channels: int, model_dim: int, patch: tuple[int, int, int]) -> None:
        super().__init__()
        self.patch = patch
        self.weight = nn.Parameter(torch.empty(model_dim, channels, *patch))
        self.bias = nn.Parameter(torch.empty(model_dim))

    def forward(self, latents_BCFHW: torch.Tensor) -> torch.Tensor:
        """Tokens [B, frames · rows · columns, D] in that order, float32."""
        batch, channels, frames, rows, columns = latents_BCFHW.shape
        p, q, r = self.patch
        patches = latents_BCFHW.float().reshape(batch, channels, frames // p, p, rows // q, q, columns // r, r)
        patches = patches.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4).flatten(1, 3)
        return F.linear(patches, self.weight.float().flatten(1), self.bias.float())


class TextEmbedding(nn.Module):
    """The text encoder's rows, projected to the model's width."""

    def __init__(self, text_dim: int, model_dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(text_dim, model_dim)
        self.mix = nn.Linear(model_dim, model_dim)

    def forward(self, text_BTC: torch.Tensor) -> torch.Tensor:
        hidden = self.expand(text_BTC.to(self.expand.weight.dtype))
        return self.mix(F.gelu(hidden, approximate="tanh"))


class TimeEmbedding(nn.Module):
    """The timestep as a vector for the head and as six vectors for the blocks.

    Float32 throughout: the result scales every activation of the model, so a relative error here is one everywhere.
    """

    def __init__(self, frequency_dim: int, model_dim: int) -> None:
        super().__init__()
        self.frequency_dim = frequency_dim
        self.expand = nn.Linear(frequency_dim, model_dim)
        self.mix = nn.Linear(model_dim, model_dim)
        self.project = nn.Linear(model_dim, 6 * model_dim)

    def forward(self, timestep_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Timesteps in 0 … 1000, fractions allowed → the head's vector [B, D] and the blocks' [B, 6, D]."""
        embedding = sinusoid(timestep_B, self.frequency_dim)
        time_BD = self.mix(F.silu(self.expand(embedding)))
        blocks_B6D = self.project(F.silu(time_BD)).unflatten(1, (6, -1))
        return time_BD, blocks_B6D


def sinusoid(timestep_B: torch.Tensor, dim: int) -> torch.Tensor:
    """Cosines, then sines, of the timestep at dim/2 frequencies.

    The angles are formed in float64: at t = 999 a float32 angle is off by 3e-5 before its cosine is taken.
    """
    half = dim // 2
    exponents = torch.arange(half, dtype=torch.float64, device=timestep_B.device) / half
    angles = torch.outer(timestep_B.double(), torch.pow(10000.0, -exponents))
    return torch.cat((angles.cos(), angles.sin()), dim=1).float()
