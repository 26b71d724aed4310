"""Models to measure with: the released model's sizes, and tiny ones to try the benchmarks themselves."""

from s2v_runner.transformer import TransformerConfig

RELEASED = TransformerConfig(
    model_dim=5120,
    feed_forward_dim=13824,
    num_heads=40,
    num_layers=40,
    frequency_dim=256,
    latent_channels=16,
    pose_channels=16,
    text_dim=4096,
    text_length=512,
    audio_dim=1024,
    num_audio_layers=25,
    num_audio_tokens=4,
    audio_injection_layers=(0, 4, 8, 12, 16, 20, 24, 27, 30, 33, 36, 39),
    norm_epsilon=1e-6,
)
TINY = TransformerConfig(
    model_dim=128,
    feed_forward_dim=256,
    num_heads=4,
    num_layers=2,
    frequency_dim=64,
    latent_channels=16,
    pose_channels=16,
    text_dim=64,
    text_length=32,
    audio_dim=32,
    num_audio_layers=25,
    num_audio_tokens=4,
    audio_injection_layers=(0,),
    norm_epsilon=1e-6,
)
MOTION_FRAMES = 73
