"""The whole transformer, in two calls: `prepare` once a clip and guidance branch, `forward` every step.

Source: `WanModel_S2V` of the original (`wan/modules/s2v/model_s2v.py`), which does both anew in every step.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.transformer.audio import AudioEncoder, FrameRows
from s2v_runner.transformer.backend import Backend
from s2v_runner.transformer.blocks import PreparedBlock, TransformerBlock
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.embeddings import PatchEmbedding, TextEmbedding, TimeEmbedding
from s2v_runner.transformer.layers import layer_norm
from s2v_runner.transformer.motion import MotionPacker
from s2v_runner.transformer.rope import RotaryTable, rotary_table
from s2v_runner.transformer.sequence import Share
from s2v_runner.transformer.streaming import StreamedBlocks

PATCH = (1, 2, 2)
"""Latent frames, rows and columns in a token."""

LATENT_MULTIPLE = 8
"""Rows and columns of a latent must be multiples of this, or the packing of motion drops edge rows."""

FLOAT32_PREFIXES = (
    "patch_embedding.",
    "pose_embedding.",
    "motion_packer.",
    "time_embedding.",
    "audio_encoder.",
    "head.",
)
"""Parameters that stay float32 whatever dtype the model is loaded in; each part says why where it is defined."""


@dataclass(frozen=True)
class Conditioning:
    """What a clip is made of, besides noise."""

    text_BTC: torch.Tensor
    """Rows of the text encoder, at most the model's text length; missing rows count as zeros."""
    audio_BJCV: torch.Tensor
    """Audio features of each video frame of the clip; V is four times F."""
    reference_BC1HW: torch.Tensor
    pose_BCFHW: torch.Tensor
    """Zeros when no pose is given."""
    motion_BCMHW: torch.Tensor | None
    """Latents of the frames before the clip, oldest first; None drops the motion tokens."""
    motion_frames: int
    """Video frames before the clip, whether or not their tokens are dropped: the audio encoder counts them."""


@dataclass(frozen=True)
class PreparedConditioning:
    """Everything about a clip that depends neither on the noisy latents nor on the time."""

    pose_BCFHW: torch.Tensor
    """As latents: their tokens are as large as all that a block works on, and quickly made."""
    share: Share
    """The tokens of this process, which the rest is of, too."""
    heard: FrameRows
    """Its noisy tokens, frame by frame."""
    context_BSD: torch.Tensor
    """Reference and motion tokens, as they enter the first block."""
    context_time_16D: torch.Tensor
    """The blocks' time vectors at t = 0, which is what reference and motion tokens have."""
    rope: RotaryTable
    blocks: tuple[PreparedBlock, ...]


class Head(nn.Module):
    """From tokens to the velocity in each patch, float32 because its output is the model's answer."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.epsilon = config.norm_epsilon
        self.modulation = nn.Parameter(torch.empty(1, 2, config.model_dim))
        self.project = nn.Linear(config.model_dim, PATCH[1] * PATCH[2] * config.latent_channels)

    def forward(self, noisy_BND: torch.Tensor, time_BD: torch.Tensor) -> torch.Tensor:
        shift_B1D, scale_B1D = (self.modulation + time_BD.unsqueeze(1)).chunk(2, dim=1)
        return self.project(torch.addcmul(shift_B1D, layer_norm(noisy_BND, self.epsilon), 1 + scale_B1D))


class S2VTransformer(nn.Module):
    """The S2V transformer. Parameters are left empty: a checkpoint or an initialiser fills them."""

    def __init__(self, config: TransformerConfig, backend: Backend) -> None:
        super().__init__()
        self.config = config
        self.sequence = backend.sequence
        dim = config.model_dim
        self.patch_embedding = PatchEmbedding(config.latent_channels, dim, PATCH)
        self.pose_embedding = PatchEmbedding(config.pose_channels, dim, PATCH)
        self.kind_embedding = nn.Embedding(3, dim)
        self.text_embedding = TextEmbedding(config.text_dim, dim)
        self.time_embedding = TimeEmbedding(config.frequency_dim, dim)
        self.audio_encoder = AudioEncoder(config)
        self.motion_packer = MotionPacker(config.latent_channels, dim)
        self.blocks: nn.ModuleList | StreamedBlocks = nn.ModuleList(
            TransformerBlock(config, backend, hears_audio=index in config.audio_injection_layers)
            for index in range(config.num_layers)
        )
        self.head = Head(config)

    @property
    def dtype(self) -> torch.dtype:
        """Of the matrices that are not kept in float32."""
        return self.text_embedding.mix.weight.dtype

    def stream(self, blocks: StreamedBlocks) -> None:
        """Take the blocks from main memory from now on, in place of its own."""
        del self.blocks
        self.blocks = blocks

    def prepare(self, conditioning: Conditioning) -> PreparedConditioning:
        """Do once what does not change from step to step.

        Raises nothing of its own: shapes are the caller's to get right, and are asserted.
        """
        _check_shapes(conditioning, self.config)
        _, reference_kind, motion_kind = self.kind_embedding.weight.float()

        context = [self.patch_embedding(conditioning.reference_BC1HW) + reference_kind]
        if conditioning.motion_BCMHW is not None:
            context.append(self.motion_packer(conditioning.motion_BCMHW) + motion_kind)

        text_padding = self.config.text_length - conditioning.text_BTC.shape[1]
        text_BTD = self.text_embedding(F.pad(conditioning.text_BTC, (0, 0, 0, text_padding)))
        audio = self.audio_encoder(conditioning.audio_BJCV, conditioning.motion_frames)
        device = text_BTD.device
        _, context_time_16D = self.time_embedding(torch.zeros(1, device=device))
        grid = _grid(conditioning.pose_BCFHW)
        with_motion = conditioning.motion_BCMHW is not None
        context_BSD = torch.cat(context, dim=1)
        share = self.sequence.share(math.prod(grid), context_BSD.shape[1])
        heard = FrameRows(share.noisy, frame_tokens=grid[1] * grid[2])
        begin = share.noisy.start + share.context.start
        rope = rotary_table(self.config.head_dim, grid, with_motion, device)
        return PreparedConditioning(
            pose_BCFHW=conditioning.pose_BCFHW[:, :, heard.frames],
            share=share,
            heard=heard,
            context_BSD=context_BSD[:, share.context.start : share.context.stop],
            context_time_16D=context_time_16D,
            rope=rope.of(slice(begin, begin + len(share.noisy) + len(share.context))),
            blocks=tuple(cast(TransformerBlock, block).prepare(text_BTD, audio, heard) for block in self.blocks),
        )

    def forward(
        self, latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor, prepared: PreparedConditioning
    ) -> torch.Tensor:
        """The velocity of the latents at `timestep_B` (0 … 1000, fractions allowed), float32, shaped like them."""
        share, heard = prepared.share, prepared.heard
        # Whole frames, of which this process may have a part of the first and of the last.
        noisy_BND = self.patch_embedding(latents_BCFHW[:, :, heard.frames])
        noisy_BND += self.pose_embedding(prepared.pose_BCFHW)
        noisy_BND += self.kind_embedding.weight[0].float()
        before, _ = heard.missing
        hidden_BSD = torch.cat((noisy_BND[:, before : before + heard.count], prepared.context_BSD), dim=1)
        del noisy_BND

        time_BD, noisy_time_B6D = self.time_embedding(timestep_B)
        context_time_B6D = prepared.context_time_16D.expand_as(noisy_time_B6D)
        # A process that has context alone has one kind of token.
        kinds = (noisy_time_B6D, context_time_B6D) if heard.count else (context_time_B6D,)
        time_B6GD = torch.stack(kinds, dim=2)
        for block, prepared_block in zip(self.blocks, prepared.blocks, strict=True):
            hidden_BSD = block(hidden_BSD, time_B6GD, share, prepared.rope, prepared_block)

        patches = self.head(hidden_BSD[:, : heard.count], time_BD)
        return _unpatchify(self.sequence.collect(patches, share), latents_BCFHW.shape)


def _grid(latents_BCFHW: torch.Tensor) -> tuple[int, int, int]:
    """Frames, rows and columns of tokens."""
    frames, rows, columns = latents_BCFHW.shape[2:]
    return frames, rows // PATCH[1], columns // PATCH[2]


def _unpatchify(patches: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """[B, N, row in patch · column in patch · C] → latents of `shape`."""
    batch, channels, frames, rows, columns = shape
    grid = (batch, frames, rows // PATCH[1], columns // PATCH[2], PATCH[1], PATCH[2], channels)
    return patches.reshape(grid).permute(0, 6, 1, 2, 4, 3, 5).reshape(shape)


def _check_shapes(conditioning: Conditioning, config: TransformerConfig) -> None:
    frames, rows, columns = conditioning.pose_BCFHW.shape[2:]
    assert rows % LATENT_MULTIPLE == columns % LATENT_MULTIPLE == 0, (rows, columns)
    assert conditioning.audio_BJCV.shape[1:3] == (config.num_audio_layers, config.audio_dim)
    assert conditioning.audio_BJCV.shape[3] == 4 * frames, (conditioning.audio_BJCV.shape, frames)
    assert conditioning.text_BTC.shape[1] <= config.text_length
