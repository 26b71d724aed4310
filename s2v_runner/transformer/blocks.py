"""One block: self-attention, attention to the text, feed-forward, and, after some blocks, the speech.

Source: `WanS2VAttentionBlock` and `after_transformer_block` of the original. The residual stream is float32,
because forty blocks add to it and bfloat16 would round away what the later ones add; every linear layer and the
attention compute in the dtype of their weights.
"""

from dataclasses import dataclass

import torch
from torch import nn

from s2v_runner.transformer.audio import AudioInjection, AudioTokens, FrameRows, PreparedInjection
from s2v_runner.transformer.backend import Backend
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.kernels.interface import ByGroup, Kernels, Modulation
from s2v_runner.transformer.layers import CrossAttention, LayerNorm, SelfAttention
from s2v_runner.transformer.linear import Rows
from s2v_runner.transformer.rope import RotaryTable
from s2v_runner.transformer.sequence import Share


@dataclass(frozen=True)
class PreparedBlock:
    """What one block needs of the conditioning."""

    text_key_BTKE: torch.Tensor
    text_value_BTKE: torch.Tensor
    injection: PreparedInjection | None
    """None where the block hears nothing, or no noisy token of this process is to hear it."""


class FeedForward(nn.Module):
    def __init__(self, config: TransformerConfig, backend: Backend) -> None:
        super().__init__()
        self.kernels = backend.kernels
        self.expand = backend.linear(config.model_dim, config.feed_forward_dim)
        self.contract = backend.linear(config.feed_forward_dim, config.model_dim)

    def forward(self, rows: Rows) -> torch.Tensor:
        return self.contract(self.kernels.expand(self.expand, rows))


class TransformerBlock(nn.Module):
    def __init__(self, config: TransformerConfig, backend: Backend, hears_audio: bool) -> None:
        super().__init__()
        self.epsilon = config.norm_epsilon
        self.kernels: Kernels = backend.kernels
        self.modulation = nn.Parameter(torch.empty(1, 6, config.model_dim))
        self.self_attention = SelfAttention(config, backend)
        self.text_norm = LayerNorm(config.model_dim)
        # All rows of the text are seen, the padded ones too: the model was trained without a mask.
        self.text_attention = CrossAttention(config, backend)
        self.feed_forward = FeedForward(config, backend)
        self.audio_injection = AudioInjection(config, backend) if hears_audio else None

    def prepare(self, text_BTD: torch.Tensor, audio: AudioTokens, heard: FrameRows) -> PreparedBlock:
        key_BTKE, value_BTKE = self.text_attention.prepare_keys(text_BTD)
        injection = None
        if self.audio_injection is not None and heard.count:
            injection = self.audio_injection.prepare(audio, heard)
        return PreparedBlock(key_BTKE, value_BTKE, injection)

    def forward(
        self,
        hidden_BSD: torch.Tensor,
        time_B6GD: torch.Tensor,
        share: Share,
        rope: RotaryTable,
        prepared: PreparedBlock,
    ) -> torch.Tensor:
        """The residual stream after this block, float32 in and out; what is given may be written over.

        `time_B6GD` holds the six time vectors of the noisy tokens and, last, of the context tokens.
        """
        noisy_tokens = len(share.noisy)
        # Shift, scale and gate scale whole activations, so they stay float32.
        modulation_B6GD = time_B6GD + self.modulation.float().unsqueeze(2)
        shift_sa, scale_sa, gate_sa, shift_ff, scale_ff, gate_ff = (
            ByGroup(vectors_BGD, max(1, noisy_tokens)) for vectors_BGD in modulation_B6GD.unbind(dim=1)
        )
        kernels = self.kernels

        rows = kernels.norm(hidden_BSD, _scale_shift(scale_sa, shift_sa), self.epsilon)
        update_BSD = self.self_attention(rows, rope, share)
        hidden_BSD, rows = kernels.add_norm(hidden_BSD, update_BSD, gate_sa, self.text_norm.modulation(), self.epsilon)
        query_BSKE = self.text_attention.queries(rows)
        update_BSD = self.text_attention.look_up(query_BSKE, prepared.text_key_BTKE, prepared.text_value_BTKE)
        hidden_BSD, rows = kernels.add_norm(
            hidden_BSD, update_BSD, None, _scale_shift(scale_ff, shift_ff), self.epsilon
        )
        update_BSD = self.feed_forward(rows)
        hidden_BSD = kernels.add(hidden_BSD, update_BSD, gate_ff)

        if prepared.injection is not None:
            assert self.audio_injection is not None
            heard_BND = self.audio_injection(hidden_BSD[:, :noisy_tokens], prepared.injection)
            hidden_BSD = kernels.add(hidden_BSD, heard_BND, None)
        return hidden_BSD


def _scale_shift(scale: ByGroup, shift: ByGroup) -> Modulation:
    return Modulation(ByGroup(1 + scale.vectors_BGD, scale.rows), shift)
