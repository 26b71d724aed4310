"""How much of everything a training takes: the whole recipe, for one GPU, and a rehearsal for any machine."""

from dataclasses import dataclass, replace

from demo.training.autoencoder import AutoencoderSettings
from demo.training.pace import Span
from demo.training.reader import ReaderSettings
from demo.training.transformer import TransformerSettings
from s2v_runner.transformer import TransformerConfig

_UNBOUNDED = 10**9


@dataclass(frozen=True)
class FootageSizes:
    """Clips that are drawn for the transformer."""

    opening: int
    continuing_video: int
    continuing_grey: int
    continuing_picture: int
    posed: float
    """Share of them that has a pose video too."""
    at_once: int
    """Takes that are drawn together."""


@dataclass(frozen=True)
class Recipe:
    utterances: int
    utterance_seconds: tuple[float, float]
    feature_frames: int
    """Frames of features of every utterance, the silence after it included."""
    prompts: int
    unseen_prompts: int
    autoencoder_base_dim: int
    autoencoder: AutoencoderSettings
    reels: int
    """Takes that the autoencoder learns from."""
    frames_a_batch: int
    """Of whole frames; of crops there are more."""
    autoencoder_span: Span
    scale_batches: int
    """Batches from which the mean and the deviation of the latents are taken."""
    listener_span: Span
    listener_step_seconds: float
    text_span: Span
    text_batch: int
    reader_span: Span
    reader: ReaderSettings
    footage: FootageSizes
    transformer_config: TransformerConfig
    transformer: TransformerSettings
    transformer_span: Span
    samples: int
    """Videos that are made in the end, to look at."""
    seed: int


_TRANSFORMER = TransformerSettings(
    peak_rate=3e-3,
    warm_up_steps=200,
    average_decay=0.999,
    batch_size=64,
    late_batch_size=128,
    late_from=0.7,
    short_latents=8,
    short_until=0.35,
    short_later=0.25,
    dropped=0.12,
    feature_weight=5.0,
    shift=2.5,
    motion_noise=0.15,
)

FULL = Recipe(
    utterances=4000,
    utterance_seconds=(3.0, 13.0),
    feature_frames=300,
    prompts=20000,
    unseen_prompts=2000,
    autoencoder_base_dim=16,
    autoencoder=AutoencoderSettings(peak_rate=1e-3, warm_up_steps=100, divergence_weight=1e-4, edge_weight=1.0),
    reels=6144,
    frames_a_batch=96,
    autoencoder_span=Span(seconds=400.0, steps=_UNBOUNDED),
    scale_batches=24,
    listener_span=Span(seconds=150.0, steps=_UNBOUNDED),
    listener_step_seconds=320.0,
    text_span=Span(seconds=40.0, steps=_UNBOUNDED),
    text_batch=256,
    reader_span=Span(seconds=90.0, steps=_UNBOUNDED),
    reader=ReaderSettings(
        seed=0,
        batch=512,
        distorted=0.75,
        drawn=2048,
        draw_every=4,
        kept=32768,
        peak_rate=3e-3,
        warm_up_steps=100,
        log_every=100,
    ),
    footage=FootageSizes(
        opening=6144, continuing_video=4096, continuing_grey=768, continuing_picture=1024, posed=0.25, at_once=64
    ),
    transformer_config=TransformerConfig(
        model_dim=256,
        feed_forward_dim=768,
        num_heads=4,
        num_layers=6,
        frequency_dim=256,
        latent_channels=16,
        pose_channels=16,
        text_dim=96,
        text_length=64,
        audio_dim=128,
        num_audio_layers=5,
        num_audio_tokens=4,
        audio_injection_layers=(0, 2, 4),
        norm_epsilon=1e-6,
    ),
    transformer=_TRANSFORMER,
    transformer_span=Span(seconds=1050.0, steps=_UNBOUNDED),
    samples=6,
    seed=0,
)

REHEARSAL = replace(
    FULL,
    utterances=12,
    utterance_seconds=(3.0, 5.0),
    feature_frames=160,
    prompts=200,
    unseen_prompts=50,
    autoencoder_base_dim=8,
    reels=8,
    frames_a_batch=17,
    autoencoder_span=Span(seconds=600.0, steps=2),
    scale_batches=1,
    listener_span=Span(seconds=600.0, steps=2),
    listener_step_seconds=24.0,
    text_span=Span(seconds=600.0, steps=3),
    text_batch=16,
    reader_span=Span(seconds=600.0, steps=2),
    reader=replace(FULL.reader, batch=8, drawn=8, kept=16),
    footage=FootageSizes(opening=1, continuing_video=0, continuing_grey=0, continuing_picture=1, posed=1.0, at_once=1),
    transformer_config=replace(
        FULL.transformer_config, model_dim=64, feed_forward_dim=128, num_layers=2, audio_injection_layers=(0,)
    ),
    transformer=replace(_TRANSFORMER, batch_size=2, late_batch_size=3),
    transformer_span=Span(seconds=60.0, steps=3),
    samples=1,
)
"""Every stage once, to see that all of them run; what comes out knows nothing."""

RECIPES = {"full": FULL, "rehearsal": REHEARSAL}
