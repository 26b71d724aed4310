"""How small transformers are trained in tests."""

from demo.training.transformer import TransformerSettings

SETTINGS = TransformerSettings(
    peak_rate=1e-3,
    warm_up_steps=2,
    average_decay=0.999,
    batch_size=24,
    late_batch_size=24,
    late_from=1.0,
    short_latents=8,
    short_until=0.5,
    short_later=0.0,
    dropped=0.0,
    feature_weight=5.0,
    shift=2.5,
    motion_noise=0.0,
)
"""Nothing left to chance but which clips are drawn, whether they have a past, and their noise."""
