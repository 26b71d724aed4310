"""One block: self-attention, attention to the text, feed-forward, and, after some blocks, the speech.

Source: `WanS2VAttentionBlock` and `after_transformer_block` of the original. The residual stream is float32,
because forty blocks add to it and bfloat16 would round away what the later ones add; every linear layer and the
attention compute in the dtype of their weights.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.transformer.attention import AttentionFunction
from s2v_runner.transformer.audio import AudioInjection, AudioTokens, PreparedInjection
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.layers import AttentionLayer, LayerNorm, layer_norm
from s2v_runner.transformer.rope import RotaryTable, rotate


@dataclass(frozen=True)
class PreparedBlock:
    """What one block needs of the conditioning."""

    text_key_BTKE: torch.Tensor
    text_value_BTKE: torch.Tensor
    injection: PreparedInjection | None


class SelfAttention(AttentionLayer):
    """Attention of all tokens to all tokens, which knows where they stand by the rotation of queries and keys."""

    def forward(self, hidden_BSD: torch.Tensor, rope: RotaryTable) -> torch.Tensor:
        value_BSKE = self.values(hidden_BSD)
        # Each is brought to the dtype of the attention as soon as it is turned: in float32 they are large.
        query_BSKE = rotate(self.queries(hidden_BSD), rope).to(value_BSKE.dtype)
        key_BSKE = rotate(self.keys(hidden_BSD), rope).to(value_BSKE.dtype)
        return self.look_up(query_BSKE, key_BSKE, value_BSKE)


class TextAttention(AttentionLayer):
    """Attention to all rows of the text, the padded ones too: the model was trained without a mask."""

    def prepare(self, text_BTD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values [B, T, K, E], in the dtype of the weights."""
        value_BTKE = self.values(text_BTD)
        return self.keys(text_BTD).to(value_BTKE.dtype), value_BTKE

    def forward(self, hidden_BSD: torch.Tensor, key_BTKE: torch.Tensor, value_BTKE: torch.Tensor) -> torch.Tensor:
        return self.look_up(self.queries(hidden_BSD), key_BTKE, value_BTKE)


class FeedForward(nn.Module):
    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, hidden_dim)
        self.contract = nn.Linear(hidden_dim, dim)

    def forward(self, hidden_BSD: torch.Tensor) -> torch.Tensor:
        hidden = self.expand(hidden_BSD.to(self.expand.weight.dtype))
        return self.contract(F.gelu(hidden, approximate="tanh"))


class TransformerBlock(nn.Module):
    def __init__(self, config: TransformerConfig, attend: AttentionFunction, hears_audio: bool) -> None:
        super().__init__()
        self.epsilon = config.norm_epsilon
        self.modulation = nn.Parameter(torch.empty(1, 6, config.model_dim))
        self.self_attention = SelfAttention(config, attend)
        self.text_norm = LayerNorm(config.model_dim, config.norm_epsilon)
        self.text_attention = TextAttention(config, attend)
        self.feed_forward = FeedForward(config.model_dim, config.feed_forward_dim)
        self.audio_injection = AudioInjection(config, attend) if hears_audio else None

    def prepare(self, text_BTD: torch.Tensor, audio: AudioTokens) -> PreparedBlock:
        key_BTKE, value_BTKE = self.text_attention.prepare(text_BTD)
        injection = self.audio_injection.prepare(audio) if self.audio_injection is not None else None
        return PreparedBlock(key_BTKE, value_BTKE, injection)

    def forward(
        self,
        hidden_BSD: torch.Tensor,
        time_BG6D: torch.Tensor,
        noisy_tokens: int,
        rope: RotaryTable,
        prepared: PreparedBlock,
    ) -> torch.Tensor:
        """The residual stream after this block; float32 in and out.

        `time_BG6D` holds the six time vectors of the noisy tokens and, second, of the context tokens.
        """
        # Shift, scale and gate scale whole activations, so they stay float32.
        modulation_BG6D = time_BG6D + self.modulation.float()
        shift_sa, scale_sa, gate_sa, shift_ff, scale_ff, gate_ff = modulation_BG6D.unbind(dim=2)

        normed = layer_norm(hidden_BSD, self.epsilon)
        attended = self.self_attention(_scale_shift(normed, scale_sa, shift_sa, noisy_tokens), rope)
        hidden_BSD = hidden_BSD + _gate(attended, gate_sa, noisy_tokens)

        text = self.text_attention(self.text_norm(hidden_BSD), prepared.text_key_BTKE, prepared.text_value_BTKE)
        hidden_BSD = hidden_BSD + text

        normed = layer_norm(hidden_BSD, self.epsilon)
        fed = self.feed_forward(_scale_shift(normed, scale_ff, shift_ff, noisy_tokens))
        hidden_BSD = hidden_BSD + _gate(fed, gate_ff, noisy_tokens)

        if self.audio_injection is not None:
            assert prepared.injection is not None
            noisy_BND, context_BSD = hidden_BSD[:, :noisy_tokens], hidden_BSD[:, noisy_tokens:]
            heard_BND = self.audio_injection(noisy_BND, prepared.injection)
            hidden_BSD = torch.cat((noisy_BND + heard_BND, context_BSD), dim=1)
        return hidden_BSD


def _scale_shift(
    normed_BSD: torch.Tensor, scale_BGD: torch.Tensor, shift_BGD: torch.Tensor, noisy_tokens: int
) -> torch.Tensor:
    noisy = torch.addcmul(shift_BGD[:, :1], normed_BSD[:, :noisy_tokens], 1 + scale_BGD[:, :1])
    context = torch.addcmul(shift_BGD[:, 1:], normed_BSD[:, noisy_tokens:], 1 + scale_BGD[:, 1:])
    return torch.cat((noisy, context), dim=1)


def _gate(update_BSD: torch.Tensor, gate_BGD: torch.Tensor, noisy_tokens: int) -> torch.Tensor:
    noisy = update_BSD[:, :noisy_tokens] * gate_BGD[:, :1]
    context = update_BSD[:, noisy_tokens:] * gate_BGD[:, 1:]
    return torch.cat((noisy, context), dim=1)
