"""What is said in the training takes: utterances, the mouths that belong to them, and how the listener hears them."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

from demo.world.mouth import MouthTrack, follow_phonemes
from demo.world.performance import FRAMES_PER_SECOND
from demo.world.sentences import draw_sentences, draw_voice
from demo.world.speech import Line, Phoneme, Utterance, Voice, at_16_khz
from s2v_runner.conditioning.audio import normalise, silent_level
from s2v_runner.plan import FIRST_LATENT_LOSS, SPEECH_RATE, feature_indices, interpolated_count
from s2v_runner.records import Sound

LEAD_FRAMES = FIRST_LATENT_LOSS
"""Frames of silence that the speech encoder hears before the speech (`compat.alignment=output`)."""
_MARGIN_SECONDS = 0.2


@dataclass(frozen=True)
class Speeches:
    """U utterances as the takes need them."""

    mouths: tuple[MouthTrack, ...]
    features_UJCV: torch.Tensor
    """What the pipeline would give the transformer, float16: frame v belongs to frame v − LEAD_FRAMES of the speech."""

    @property
    def frames(self) -> int:
        """Frames of features that every utterance has."""
        return self.features_UJCV.shape[3]

    def length(self, utterance: int) -> int:
        """Frames of an utterance without the silence around it."""
        return len(self.mouths[utterance].opening_V)


def draw_lines(count: int, voices: Sequence[str], seconds: tuple[float, float], rng: np.random.Generator) -> list[Line]:
    """What is to be said: random sentences about that long, each in a random voice."""
    return [Line(draw_sentences(rng, rng.uniform(*seconds)), draw_voice(rng, voices)) for _ in range(count)]


def follow_utterance(utterance: Utterance) -> MouthTrack:
    """The mouth from the first frame of an utterance to its last."""
    frames = round(len(utterance.samples) / utterance.rate * FRAMES_PER_SECOND)
    return follow_phonemes(utterance.phonemes, frames, FRAMES_PER_SECOND)


def hear(
    utterances: Sequence[Utterance],
    listener: Wav2Vec2Model,
    extractor: Wav2Vec2FeatureExtractor,
    frames: int,
    batch_size: int,
) -> Speeches:
    """Every utterance through the listener, with silence before it and after it up to so many frames."""
    batches = (utterances[begin : begin + batch_size] for begin in range(0, len(utterances), batch_size))
    with ThreadPoolExecutor() as threads:
        features = [
            hear_waveforms(
                listener, list(threads.map(lambda one: place(at_16_khz(one), extractor, frames), batch)), frames
            )
            for batch in batches
        ]
    return Speeches(tuple(map(follow_utterance, utterances)), torch.cat(features))


def place(samples: np.ndarray, extractor: Wav2Vec2FeatureExtractor, frames: int) -> np.ndarray:
    """Samples as the pipeline would hand them to the encoder: normalised, with silence before and after."""
    sound = Sound(samples, SPEECH_RATE)
    before = round(LEAD_FRAMES / FRAMES_PER_SECOND * SPEECH_RATE)
    whole = round((frames / FRAMES_PER_SECOND + _MARGIN_SECONDS) * SPEECH_RATE)
    waveform = normalise(sound, extractor)[: whole - before]
    after = whole - before - len(waveform)
    return np.pad(waveform, (before, after), constant_values=silent_level(sound, extractor))


@torch.no_grad()
def hear_waveforms(listener: Wav2Vec2Model, waveforms: Sequence[np.ndarray], frames: int) -> torch.Tensor:
    """Equally long waveforms → features [U, J, C, frames], float16, on the listener's device.

    What `encode_waveform` and `pick_frames` of the pipeline do, for many at once.
    """
    samples = torch.from_numpy(np.stack(waveforms)).to(listener.device)
    # As the pipeline has it: full float32 in the convolutions.
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        output = listener(samples, output_hidden_states=True)
    indices = torch.tensor(feature_indices(frames, FRAMES_PER_SECOND), device=listener.device)
    states = []
    for state_UTC in (*output.hidden_states[:-1], output.last_hidden_state):
        count = interpolated_count(state_UTC.shape[1])
        at_30 = F.interpolate(state_UTC.transpose(1, 2), size=count, mode="linear", align_corners=True)
        states.append(at_30[:, :, indices].half())
    return torch.stack(states, dim=1)


def keep_utterances(path: Path, utterances: Sequence[Utterance]) -> None:
    """All of them in one file, for `read_utterances`."""
    said = [
        {
            "text": one.text,
            "voice": asdict(one.voice),
            "rate": one.rate,
            "phonemes": [[phoneme.symbol, phoneme.start, phoneme.end] for phoneme in one.phonemes],
            "samples": len(one.samples),
        }
        for one in utterances
    ]
    samples = np.concatenate([one.samples for one in utterances])
    with path.open("wb") as file:
        np.savez(file, samples=samples, said=np.frombuffer(json.dumps(said).encode(), np.uint8))


def read_utterances(path: Path) -> list[Utterance]:
    with np.load(path) as kept:
        samples, said = kept["samples"], json.loads(kept["said"].tobytes())
    utterances, begin = [], 0
    for one in said:
        end = begin + one["samples"]
        phonemes = tuple(Phoneme(*phoneme) for phoneme in one["phonemes"])
        utterances.append(Utterance(one["text"], Voice(**one["voice"]), samples[begin:end], one["rate"], phonemes))
        begin = end
    return utterances
