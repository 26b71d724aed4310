"""Speech → features for every video frame.

Source: `wan/modules/s2v/audio_encoder.py` of the original: all states of Wav2Vec2, brought from 50 to 30 a second
by interpolation, and picked at the video's rate.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

from s2v_runner.conditioning.cache import Asked, digest_array
from s2v_runner.plan import feature_indices, interpolated_count
from s2v_runner.records import Compat, RunPlan, Sound

# What the extractor adds to a variance before dividing by its root.
_VARIANCE_FLOOR = 1e-7
# Silence beyond the last frame, so that the encoder's shorter count never leaves that frame without a state.
_MARGIN_SECONDS = 0.2


def encode_speech(
    encoder: Wav2Vec2Model,
    extractor: Wav2Vec2FeatureExtractor,
    sound: Sound,
    plan: RunPlan,
    fps: int,
    compat: Compat,
) -> torch.Tensor:
    """Features [1, J, C, V] for all V frames of all clips, float32, on the CPU.

    With alignment to the output, the encoder hears the silence of the frames that are thrown away first; with a
    tail of silence it hears on to the end of the last clip.
    """
    waveform = normalise(sound, extractor)
    silence = silent_level(sound, extractor)
    before = round(plan.lead_silence / fps * sound.rate)
    after = 0
    if compat.tail == "silence":
        needed = math.ceil((plan.made_frames / fps + _MARGIN_SECONDS) * sound.rate)
        after = max(0, needed - before - len(waveform))
    waveform = np.pad(waveform, (before, after), constant_values=silence)
    return pick_frames(encode_waveform(encoder, waveform), plan.made_frames, fps)


def describe_speech(sound: Sound, plan: RunPlan, fps: int, compat: Compat) -> Asked:
    """All that `encode_speech` depends on."""
    return {
        "samples": digest_array(sound.samples),
        "rate": sound.rate,
        "lead_silence": plan.lead_silence,
        "made_frames": plan.made_frames,
        "fps": fps,
        "tail": compat.tail,
    }


@torch.no_grad()
def encode_waveform(encoder: Wav2Vec2Model, waveform: np.ndarray) -> torch.Tensor:
    """All states of the encoder at 30 a second, [J, frames, C], float32, on the CPU.

    Never in chunks: the encoder looks everywhere. Its convolutions keep the precision of float32 on a GPU too,
    where cuDNN would else round what they read to ten bits; the original runs it on the CPU.
    """
    samples = torch.from_numpy(waveform).unsqueeze(0).to(encoder.device)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        output = encoder(samples, output_hidden_states=True)
    # The last state is meant after the final norm; Transformers 5 lists it before.
    states = (*output.hidden_states[:-1], output.last_hidden_state)
    return torch.cat([_interpolate(state).cpu() for state in states])


def _interpolate(state_1TC: torch.Tensor) -> torch.Tensor:
    count = interpolated_count(state_1TC.shape[1])
    return F.interpolate(state_1TC.transpose(1, 2), size=count, mode="linear", align_corners=True).transpose(1, 2)


def pick_frames(features_JTC: torch.Tensor, video_frames: int, fps: int) -> torch.Tensor:
    """The feature nearest in time for each video frame, zeros past the end: [1, J, C, V]."""
    indices = feature_indices(video_frames, fps)
    inside = [index for index in indices if index < features_JTC.shape[1]]
    picked = features_JTC[:, inside].permute(0, 2, 1)
    return F.pad(picked, (0, video_frames - len(inside))).unsqueeze(0)


def normalise(sound: Sound, extractor: Wav2Vec2FeatureExtractor) -> np.ndarray:
    """The samples as the encoder wants them: by its own extractor, from the speech alone.

    Silence is added afterwards, so that its length does not change how loud the speech is to the encoder.
    """
    prepared = extractor(sound.samples, sampling_rate=sound.rate, return_tensors="np")
    return prepared["input_values"][0].astype(np.float32)


def silent_level(sound: Sound, extractor: Wav2Vec2FeatureExtractor) -> float:
    """What a sample of zero becomes under `normalise`."""
    if not extractor.do_normalize:
        return 0.0
    return float(-sound.samples.mean() / np.sqrt(sound.samples.var() + _VARIANCE_FLOOR))
