"""The speech encoder of the demo checkpoint: a tiny Wav2Vec2 that learns to hear what the mouth does.

From its states simple heads tell the mouth, the closures and the phoneme at the time for which the pipeline takes each
state. The heads are thrown away.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from demo.training.corpus import MOUTH_SIZE, Corpus, Lesson, collect, draw_lesson
from demo.training.pace import Average, LossLog, Span, beats, learning_rate, set_learning_rate
from demo.training.speeches import LEAD_FRAMES, follow_utterance, place
from demo.world.mouth import closures
from demo.world.performance import FRAMES_PER_SECOND
from demo.world.speech import Utterance, at_16_khz
from s2v_runner.conditioning.audio import encode_waveform, pick_frames
from s2v_runner.plan import SPEECH_RATE, WAV2VEC2_CONVOLUTIONS

WEIGHTS_NAME = "model.safetensors"

_SHORT, _LONG = (2.0, 6.0), (12.0, 20.0)
"""Seconds of a sound."""
_LONG_SHARE = 0.15
_DECAY = 0.998
_LARGEST_GRADIENT = 1.0
_MOUTH_WEIGHT = 10.0
_PHONEME_WEIGHT = 0.2
_CLOSURES_COUNT = 3.0
"""How much more a closure counts than its absence: they are rare."""
_LOG_EVERY = 10
_RIDGE = 1e-3


@dataclass(frozen=True)
class ListenerSettings:
    """How a listener is trained."""

    seed: int
    fps: int
    """Of the videos whose mouths are learnt."""
    step_seconds: float
    """Speech in one step, in seconds: so many sounds of one length as fit."""
    learning_rate: float
    warm_up_steps: int


@dataclass(frozen=True)
class ListenerScores:
    """How well a linear map reads the mouth of every video frame off the features that the pipeline takes for it."""

    opening: float
    """Correlation over all frames; likewise the next two."""
    width: float
    rounding: float
    closure_recall: float
    """Of the frames that show a p, b or m, the share that is found."""
    closure_precision: float


def listener_config() -> dict[str, Any]:
    """The settings of the model that `Wav2Vec2Config` takes: about a million parameters."""
    kernels, strides = zip(*WAV2VEC2_CONVOLUTIONS, strict=True)
    return {
        "hidden_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 384,
        "conv_dim": (64, 64, 96, 96, 128, 128, 128),
        "conv_kernel": kernels,
        "conv_stride": strides,
        "num_conv_pos_embeddings": 64,
        "num_conv_pos_embedding_groups": 16,
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
        "mask_time_prob": 0.0,
        "mask_feature_prob": 0.0,
        "layerdrop": 0.0,
        "hidden_dropout": 0.0,
        "activation_dropout": 0.0,
        "attention_dropout": 0.0,
    }


def preprocessor_config() -> dict[str, Any]:
    """The settings of the extractor that goes with the model."""
    return {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "sampling_rate": SPEECH_RATE,
        "padding_side": "right",
        "padding_value": 0.0,
        "do_normalize": True,
        "return_attention_mask": True,
    }


def build_extractor() -> Wav2Vec2FeatureExtractor:
    """As the pipeline builds it from `preprocessor_config`."""
    extractor = Wav2Vec2FeatureExtractor.from_dict(preprocessor_config())
    assert isinstance(extractor, Wav2Vec2FeatureExtractor)
    return extractor


def write_listener(encoder: Wav2Vec2Model, folder: Path) -> None:
    """The folder that the pipeline loads: config.json, model.safetensors (float32), preprocessor_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.float().cpu().contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(state, folder / WEIGHTS_NAME)
    config = json.dumps(encoder.config.to_dict(), indent=2, default=str)
    (folder / "config.json").write_text(config + "\n", encoding="utf-8")
    extractor = json.dumps(preprocessor_config(), indent=2)
    (folder / "preprocessor_config.json").write_text(extractor + "\n", encoding="utf-8")


def build_listener(seed: int, start: Path | None) -> Wav2Vec2Model:
    """With random weights, or with those of a `model.safetensors`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Wav2Vec2Model(Wav2Vec2Config(**listener_config()))
    if start is not None:
        encoder.load_state_dict(load_file(start))
    return encoder


class Heads(nn.Module):
    """What is read off the last state, and off the mean of all so that every layer has something to tell."""

    def __init__(self, hidden_size: int, phonemes: int) -> None:
        super().__init__()
        self.of_last = nn.Linear(hidden_size, MOUTH_SIZE + 1 + phonemes)
        self.of_all = nn.Linear(hidden_size, MOUTH_SIZE + 1 + phonemes)

    def forward(self, states: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """States [B, I, C] of every layer → mouth, closure and phonemes [B, I, 3 + 1 + P], twice."""
        return self.of_last(states[-1]), self.of_all(torch.stack(tuple(states)).mean(0))


def train_listener(
    utterances: Sequence[Utterance],
    settings: ListenerSettings,
    span: Span,
    device: torch.device,
    log_path: Path,
    start: Path | None,
) -> Wav2Vec2Model:
    """A listener taught by these utterances, on the device and ready to listen; `start`: the weights to go on from."""
    corpus = collect(utterances, settings.fps, device)
    encoder = build_listener(settings.seed, start)
    nn.Module.to(encoder, device).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        heads = Heads(encoder.config.hidden_size, len(corpus.symbols) + 1).to(device)
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    average = Average(encoder, _DECAY)
    log = LossLog(log_path, every=_LOG_EVERY)
    for beat, lesson in zip(beats(span), _lessons(corpus, settings), strict=False):
        set_learning_rate(optimizer, learning_rate(settings.learning_rate, beat, settings.warm_up_steps))
        losses = _losses(encoder, heads, lesson)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
        optimizer.step()
        average.update()
        log.write(beat, **{name: loss.detach() for name, loss in losses.items()})
    average.apply()
    return encoder.eval()


def _lessons(corpus: Corpus, settings: ListenerSettings) -> Iterator[Lesson]:
    lengths = np.random.default_rng(settings.seed)
    generator = torch.Generator(corpus.samples_S.device).manual_seed(settings.seed)
    while True:
        # Tenths of a second: a device keeps what it knows of a size.
        seconds = round(lengths.uniform(*(_LONG if lengths.random() < _LONG_SHARE else _SHORT)), 1)
        count = max(1, round(settings.step_seconds / seconds))
        yield draw_lesson(corpus, count, round(seconds * SPEECH_RATE), generator)


def _losses(encoder: Wav2Vec2Model, heads: Heads, lesson: Lesson) -> dict[str, torch.Tensor]:
    """Mouth, closure and phoneme, each the mean over both heads and weighted."""
    device = lesson.waveform_BT.device
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        output = encoder(lesson.waveform_BT, output_hidden_states=True)
        told = torch.stack(heads((*output.hidden_states[:-1], output.last_hidden_state))).float()
    mouth, closed, sounds = told.split([MOUTH_SIZE, 1, told.shape[-1] - MOUTH_SIZE - 1], dim=-1)
    shown = lesson.closed_BI.expand(2, -1, -1)
    weight = told.new_tensor(_CLOSURES_COUNT)
    said = lesson.sounds_BI.expand(2, -1, -1)
    return {
        "mouth": _MOUTH_WEIGHT * F.mse_loss(mouth, lesson.mouth_BI3.expand_as(mouth)),
        "closure": F.binary_cross_entropy_with_logits(closed[..., 0], shown, pos_weight=weight),
        "phoneme": _PHONEME_WEIGHT * F.cross_entropy(sounds.flatten(0, 2), said.flatten()),
    }


def hear(encoder: Wav2Vec2Model, samples: np.ndarray, frames: int) -> torch.Tensor:
    """Features [J, C, V] of the frames of a finished video, float32, on the CPU, as a run takes them."""
    made = frames + LEAD_FRAMES
    waveform = place(samples, build_extractor(), made)
    return pick_frames(encode_waveform(encoder, waveform), made, FRAMES_PER_SECOND)[0, ..., LEAD_FRAMES:]


def measure_listener(
    encoder: Wav2Vec2Model, known: Sequence[Utterance], held_out: Sequence[Utterance]
) -> ListenerScores:
    """Fit a linear map from features to mouths on `known`, and say how well it does on `held_out`."""
    features, mouths = _examples(encoder, known)
    mean, spread = features.mean(0), features.std(0) + 1e-6
    inputs = F.pad((features - mean) / spread, (0, 1), value=1.0)
    ridge = _RIDGE * len(inputs) * torch.eye(inputs.shape[1], dtype=inputs.dtype)
    weights = torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ mouths)
    # As many frames are called closed as are.
    threshold = (inputs @ weights)[:, MOUTH_SIZE].quantile(1 - mouths[:, MOUTH_SIZE].mean())
    features, mouths = _examples(encoder, held_out)
    read = F.pad((features - mean) / spread, (0, 1), value=1.0) @ weights
    opening, width, rounding = (
        float(torch.corrcoef(torch.stack([read[:, at], mouths[:, at]]))[0, 1]) for at in range(MOUTH_SIZE)
    )
    found, closed = read[:, MOUTH_SIZE] > threshold, mouths[:, MOUTH_SIZE] > 0
    both = float((found & closed).sum())
    recall, precision = both / max(1, int(closed.sum())), both / max(1, int(found.sum()))
    return ListenerScores(opening, width, rounding, recall, precision)


def _examples(encoder: Wav2Vec2Model, utterances: Sequence[Utterance]) -> tuple[torch.Tensor, torch.Tensor]:
    """Features [frames, J·C], and opening, width, rounding and closure [frames, 4] of all utterances, float64."""
    features, mouths = [], []
    for utterance in utterances:
        track = follow_utterance(utterance)
        frames = len(track.opening_V)
        features.append(hear(encoder, at_16_khz(utterance), frames).flatten(0, 1).T)
        closed = closures(utterance.phonemes, frames, FRAMES_PER_SECOND)
        mouths.append(np.stack([track.opening_V, track.width_V, track.rounding_V, closed], axis=1))
    return torch.cat(features).double(), torch.from_numpy(np.concatenate(mouths)).double()
