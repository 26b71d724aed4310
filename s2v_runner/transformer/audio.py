"""The speech inside the transformer: a causal encoder, and the injection into the blocks.

Source: `CausalAudioEncoder`, `MotionEncoder_tc` and `AudioInjector_WAN` of the original.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.transformer.backend import Backend
from s2v_runner.transformer.config import TransformerConfig
from s2v_runner.transformer.kernels.interface import ByGroup, Modulation
from s2v_runner.transformer.layers import CrossAttention, layer_norm
from s2v_runner.transformer.linear import WeightLinear

_TAPS = 3
_ENCODER_EPSILON = 1e-6
_INJECTION_EPSILON = 1e-5
"""The original's injection norm is Diffusers' AdaLayerNorm, which has this epsilon and not the model's."""


@dataclass(frozen=True)
class AudioTokens:
    """The encoded speech of a clip, float32."""

    overall_BFD: torch.Tensor
    """One vector a latent frame, which steers the adaptive norms."""
    local_BFAD: torch.Tensor
    """A few tokens a latent frame, which the noisy tokens of that frame attend to."""


class CausalConvolution(nn.Module):
    """A 1-D convolution of three taps that sees only the past; the first sample stands for what came before it.

    Written as windows times a matrix, which stays float32 on a GPU, where cuDNN's convolutions would not.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.empty(channels_out, channels_in, _TAPS))
        self.bias = nn.Parameter(torch.empty(channels_out))

    def forward(self, signal_BCV: torch.Tensor) -> torch.Tensor:
        """[B, channels in, V] → [B, ⌈V / stride⌉, channels out]."""
        padded = F.pad(signal_BCV, (_TAPS - 1, 0), mode="replicate")
        windows = padded.unfold(-1, _TAPS, self.stride).transpose(1, 2).flatten(2)
        return F.linear(windows, self.weight.flatten(1), self.bias)


class AudioEncoder(nn.Module):
    """Audio features at the video's frame rate → tokens at the rate of latent frames.

    Float32 throughout: it runs once a clip on a few hundred vectors, and its result steers every later norm.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim = config.model_dim
        self.num_tokens = config.num_audio_tokens
        self.layer_weights = nn.Parameter(torch.empty(1, config.num_audio_layers, 1, 1))
        self.local_entry = CausalConvolution(config.audio_dim, dim // 4 * self.num_tokens, stride=1)
        self.overall_entry = CausalConvolution(config.audio_dim, dim // 4, stride=1)
        self.halve_first = CausalConvolution(dim // 4, dim // 2, stride=2)
        self.halve_second = CausalConvolution(dim // 2, dim, stride=2)
        self.overall_output = nn.Linear(dim, dim)
        self.padding_token = nn.Parameter(torch.empty(1, 1, 1, dim))

    def forward(self, audio_BJCV: torch.Tensor, motion_frames: int) -> AudioTokens:
        """Encode a clip's features [B, layers, channels, video frames].

        The motion frames before the clip have no sound of their own: they hear the clip's first frame,
        and what becomes of them is dropped.
        """
        weights = F.silu(self.layer_weights)
        mixed_BCV = (audio_BJCV.float() * weights / weights.sum(dim=1, keepdim=True)).sum(dim=1)
        signal_BCV = F.pad(mixed_BCV, (motion_frames, 0), mode="replicate")
        dropped = (motion_frames + 3) // 4

        heads_BVAC = self.local_entry(signal_BCV).unflatten(2, (self.num_tokens, -1))
        heads = heads_BVAC.transpose(1, 2).flatten(0, 1)
        local_BAFD = self._downsample(heads).unflatten(0, (-1, self.num_tokens))
        local_BFAD = local_BAFD.transpose(1, 2)[:, dropped:]
        padding_BF1D = self.padding_token.expand(*local_BFAD.shape[:2], -1, -1)

        overall_BFD = self.overall_output(self._downsample(self.overall_entry(signal_BCV)))
        return AudioTokens(
            overall_BFD=overall_BFD[:, dropped:],
            local_BFAD=torch.cat((local_BFAD, padding_BF1D), dim=2),
        )

    def _downsample(self, hidden: torch.Tensor) -> torch.Tensor:
        """Four video frames to one latent frame: [B, V, D/4] → [B, F, D]."""
        hidden = _activate(hidden)
        hidden = _activate(self.halve_first(hidden.transpose(1, 2)))
        return _activate(self.halve_second(hidden.transpose(1, 2)))


@dataclass(frozen=True)
class FrameRows:
    """Consecutive noisy tokens, and the latent frames they are of, which they may begin and end in the middle of."""

    tokens: range
    frame_tokens: int
    """Of a whole frame."""

    @property
    def count(self) -> int:
        return len(self.tokens)

    @property
    def frames(self) -> slice:
        """The frames that have at least one of the tokens."""
        return slice(self.tokens.start // self.frame_tokens, -(-self.tokens.stop // self.frame_tokens))

    @property
    def missing(self) -> tuple[int, int]:
        """How many tokens of the first and of the last frame are not among them."""
        return self.tokens.start % self.frame_tokens, -self.tokens.stop % self.frame_tokens


@dataclass(frozen=True)
class PreparedInjection:
    """What one injection needs of the speech, for the frames that have tokens here."""

    heard: FrameRows
    multiplier_BFD: torch.Tensor
    """Of the noisy tokens of each latent frame once they are normed, float32, as is what is added then."""
    offset_BFD: torch.Tensor
    key: torch.Tensor
    """[B·F, A, K, E], frames folded into the batch, in the dtype of the weights, as is the value."""
    value: torch.Tensor


class AudioInjection(CrossAttention):
    """Cross-attention from the noisy tokens of a latent frame to that frame's speech.

    Each latent frame attends on its own, so the work stays local however the tokens are shared out: a frame that is not
    whole is filled up with rows that nobody reads.
    """

    def __init__(self, config: TransformerConfig, backend: Backend) -> None:
        super().__init__(config, backend)
        self.modulation = WeightLinear(config.model_dim, 2 * config.model_dim)

    def prepare(self, audio: AudioTokens, heard: FrameRows) -> PreparedInjection:
        overall_BFD, local_BFAD = audio.overall_BFD[:, heard.frames], audio.local_BFAD[:, heard.frames]
        shift_BFD, scale_BFD = self.modulation(F.silu(overall_BFD)).float().chunk(2, dim=-1)
        key, value = self.prepare_keys(local_BFAD.flatten(0, 1))
        return PreparedInjection(heard, 1 + scale_BFD, shift_BFD.contiguous(), key, value)

    def forward(self, noisy_BND: torch.Tensor, prepared: PreparedInjection) -> torch.Tensor:
        """What to add to the noisy tokens, [B, N, D] in the dtype of the weights."""
        heard = prepared.heard
        before, after = heard.missing
        frames, frame_tokens = prepared.offset_BFD.shape[1], heard.frame_tokens
        if before or after:
            noisy_BND = F.pad(noisy_BND, (0, 0, before, after))
        multiplier, offset = ByGroup(prepared.multiplier_BFD, frame_tokens), ByGroup(prepared.offset_BFD, frame_tokens)
        rows = self.kernels.norm(noisy_BND, Modulation(multiplier, offset), _INJECTION_EPSILON)
        query = self.queries(rows).unflatten(1, (frames, -1)).flatten(0, 1)
        found = self.attend(query, prepared.key, prepared.value)
        return self.output(self.kernels.pack(found.reshape(noisy_BND.shape)[:, before : before + heard.count]))


def _activate(hidden: torch.Tensor) -> torch.Tensor:
    return F.silu(layer_norm(hidden, _ENCODER_EPSILON))
