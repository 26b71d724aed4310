"""What distinguishes one autoencoder from another of the same architecture."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Sizes, all of them read from a checkpoint, and the scale of the latents, which no file holds."""

    base_dim: int
    """Channels at full resolution."""
    latent_channels: int
    multipliers: tuple[int, ...]
    """Channels at each resolution, from full to smallest, as multiples of the base."""
    num_residual_blocks: int
    """At each resolution of the encoder; the decoder has one more."""
    halves_time: tuple[bool, ...]
    """Whether time is halved with space, for each step from one resolution to the next."""
    latents_mean: tuple[float, ...]
    latents_deviation: tuple[float, ...]
    """Of each latent channel: latents are handed out with the mean taken off and divided by the deviation."""
