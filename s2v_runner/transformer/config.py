"""What distinguishes one S2V transformer from another of the same architecture."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """Sizes of the transformer, all of them read from a checkpoint and none assumed.

    The architecture itself is the released one: audio through adaptive norms, packed motion frames, a time
    of zero for reference and motion tokens. Checkpoints that ask for anything else are refused when read.
    """

    model_dim: int
    feed_forward_dim: int
    num_heads: int
    num_layers: int
    frequency_dim: int
    latent_channels: int
    pose_channels: int
    text_dim: int
    text_length: int
    audio_dim: int
    num_audio_layers: int
    num_audio_tokens: int
    audio_injection_layers: tuple[int, ...]
    norm_epsilon: float

    @property
    def head_dim(self) -> int:
        return self.model_dim // self.num_heads
