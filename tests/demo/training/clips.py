"""Encoded clips of random values for transformers that are as small as can be."""

import numpy as np
import torch

from demo.training.footage import CLIP_FRAMES, PAST_LATENTS, Footage
from demo.training.speeches import Speeches
from demo.training.transformer import Library
from demo.world.mouth import MouthTrack
from s2v_runner.transformer import TransformerConfig

CONFIG = TransformerConfig(
    model_dim=32,
    feed_forward_dim=48,
    num_heads=2,
    num_layers=2,
    frequency_dim=16,
    latent_channels=4,
    pose_channels=4,
    text_dim=6,
    text_length=5,
    audio_dim=8,
    num_audio_layers=2,
    num_audio_tokens=4,
    audio_injection_layers=(0,),
    norm_epsilon=1e-6,
)
CLIPS, POSED, UTTERANCES, FEATURE_FRAMES = 12, 5, 3, 120
WHOLE, SHORT = CLIP_FRAMES // 4, 8


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=seeded(seed)).half()


def make_footage(with_motion: bool, seed: int) -> Footage:
    clips = random(CLIPS, 4, WHOLE, 8, 8, seed=seed)
    # So that a clip can be told by its first value.
    clips[:, 0, 0, 0, 0] = torch.arange(CLIPS)
    return Footage(
        reference_NC1HW=random(CLIPS, 4, 1, 8, 8, seed=seed + 1),
        clip_NCFHW=clips,
        motion_NCMHW=random(CLIPS, 4, PAST_LATENTS, 8, 8, seed=seed + 2) if with_motion else None,
        pose_NCFHW=random(POSED, 4, WHOLE, 8, 8, seed=seed + 3),
        weight_NFHW=torch.rand(CLIPS, WHOLE, 8, 8, generator=seeded(seed)) < 0.2,
        utterance_N=torch.arange(CLIPS) % UTTERANCES,
        begin_N=torch.arange(CLIPS) * 3,
        prompt_N=torch.arange(CLIPS).flip(0),
    )


def make_library() -> Library:
    """Of twelve opening and twelve continuing clips, five of each with a pose, and three utterances."""
    mouth = MouthTrack(*np.zeros((3, FEATURE_FRAMES), np.float32))
    return Library(
        opening=make_footage(with_motion=False, seed=10),
        continuing=make_footage(with_motion=True, seed=20),
        speeches=Speeches((mouth,) * UTTERANCES, random(UTTERANCES, 2, 8, FEATURE_FRAMES, seed=30)),
        prompts_PTC=random(CLIPS, 5, 6, seed=40),
        unconditional_PTC=random(2, 5, 6, seed=50),
    )
