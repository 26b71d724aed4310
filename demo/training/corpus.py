"""Speech and the mouth that says it, held on one device, and the lessons that a listener is taught with.

Letters: N utterances, S samples of them all, M moments of them all, B sounds of a lesson, T samples, I states.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from demo.world.mouth import closures, follow_phonemes
from demo.world.speech import Phoneme, Utterance, at_16_khz
from s2v_runner.plan import FEATURE_RATE, SPEECH_RATE, WAV2VEC2_CONVOLUTIONS, interpolated_count

MOUTH_SIZE = 3
"""Opening, width and rounding."""
# The mouth of silence.
REST = (0.0, 0.5, 0.0)

# Between two frames of a video the mouth is looked up at so many moments.
_PHASES = 4
_LONGEST_LEAD, _LONGEST_TAIL = 1.5, 5.0
"""Seconds of silence around a sound; a run hears on to the end of its last clip."""
_GAP = (0.1, 0.7)
"""Seconds between two utterances of one sound."""
_NOISE_DECIBELS = (15.0, 40.0)
_STEEPEST_TILT = 0.5
_VARIANCE_FLOOR = 1e-7


@dataclass(frozen=True)
class Corpus:
    """Utterances one behind the other, each with its mouth at every moment."""

    symbols: tuple[str, ...]
    """Of the phonemes that are told apart; their numbers begin with 1, and 0 is silence."""
    moments_a_second: int
    samples_S: torch.Tensor
    sample_begins_N: torch.Tensor
    sample_counts_N: torch.Tensor
    moment_begins_N: torch.Tensor
    moment_counts_N: torch.Tensor
    mouths_M3: torch.Tensor
    closed_M: torch.Tensor
    """1 where a video frame of this time shows a p, b or m, float32."""
    sounds_M: torch.Tensor
    """The number of the phoneme, int64."""


@dataclass(frozen=True)
class Lesson:
    """What a listener hears, and what it must say of it at each state."""

    waveform_BT: torch.Tensor
    mouth_BI3: torch.Tensor
    closed_BI: torch.Tensor
    sounds_BI: torch.Tensor


def collect(utterances: Sequence[Utterance], fps: int, device: torch.device) -> Corpus:
    """All of the utterances on a device, with the mouth of a video of `fps` frames a second."""
    symbols = tuple(sorted({phoneme.symbol for utterance in utterances for phoneme in utterance.phonemes}))
    numbers = {symbol: number for number, symbol in enumerate(symbols, start=1)}
    with ThreadPoolExecutor() as pool:
        heard = [torch.from_numpy(samples) for samples in pool.map(at_16_khz, utterances)]
    seconds = [len(samples) / SPEECH_RATE for samples in heard]
    shown = [_show(said.phonemes, length, fps, numbers) for said, length in zip(utterances, seconds, strict=True)]
    mouths, closed, sounds = (np.concatenate(part) for part in zip(*shown, strict=True))
    sample_counts = torch.tensor([len(samples) for samples in heard], device=device)
    moment_counts = torch.tensor([len(part[0]) for part in shown], device=device)
    return Corpus(
        symbols=symbols,
        moments_a_second=fps * _PHASES,
        samples_S=torch.cat(heard).to(device),
        sample_begins_N=sample_counts.cumsum(0) - sample_counts,
        sample_counts_N=sample_counts,
        moment_begins_N=moment_counts.cumsum(0) - moment_counts,
        moment_counts_N=moment_counts,
        mouths_M3=torch.from_numpy(mouths).to(device),
        closed_M=torch.from_numpy(closed).to(device),
        sounds_M=torch.from_numpy(sounds).to(device),
    )


def _show(
    phonemes: Sequence[Phoneme], seconds: float, fps: int, numbers: dict[str, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mouth [M, 3], closure [M] and phoneme [M] of one utterance at its moments.

    The mouth of a moment is that of a video frame which falls on it: the frames of a video are few, and which of them
    shows a short sound depends on where they fall. So the speech is delayed by parts of a frame, and what is
    shown then is put together.
    """
    frames = math.ceil(seconds * fps) + 1
    moments = np.arange((frames - 1) * _PHASES) / (fps * _PHASES)
    mouths = np.empty((len(moments), MOUTH_SIZE), dtype=np.float32)
    closed = np.empty(len(moments), dtype=np.float32)
    for phase in range(_PHASES):
        # A whole frame later is as good as none, and leaves no moment before the beginning.
        delay = (_PHASES - phase) % _PHASES / (fps * _PHASES)
        delayed = [replace(said, start=said.start + delay, end=said.end + delay) for said in phonemes]
        track = follow_phonemes(delayed, frames, fps)
        shown = slice(-1) if phase == 0 else slice(1, None)
        mouths[phase::_PHASES] = np.stack([track.opening_V, track.width_V, track.rounding_V], axis=1)[shown]
        closed[phase::_PHASES] = closures(delayed, frames, fps)[shown]
    sounds = np.zeros(len(moments), dtype=np.int64)
    for said in phonemes:
        sounds[(moments >= said.start) & (moments < said.end)] = numbers[said.symbol]
    return mouths, closed, sounds


def state_count(num_samples: int) -> int:
    """States that the encoder has for so many samples."""
    for kernel, stride in WAV2VEC2_CONVOLUTIONS:
        num_samples = (num_samples - kernel) // stride + 1
    return num_samples


def state_seconds(states: int) -> torch.Tensor:
    """The time that each state stands for in the pipeline, in seconds, [I].

    The pipeline stretches `states` to `interpolated_count` with both ends kept, and takes the outcome for thirty a
    second. Where a state truly lies is of no account.
    """
    features = interpolated_count(states)
    return torch.arange(states) * ((features - 1) / (states - 1) / FEATURE_RATE)


def draw_lesson(corpus: Corpus, count: int, num_samples: int, generator: torch.Generator) -> Lesson:
    """Sounds of `num_samples` each: utterances or windows of them, between silences; half are made a little worse."""
    device = corpus.samples_S.device

    def draw(low: float, high: float) -> torch.Tensor:
        return torch.rand(count, 1, generator=generator, device=device) * (high - low) + low

    begin = draw(0, min(_LONGEST_LEAD * SPEECH_RATE, num_samples / 4)).long()
    end = num_samples - draw(0, min(_LONGEST_TAIL * SPEECH_RATE, num_samples / 3)).long()
    heard_at = torch.arange(num_samples, device=device)
    asked_at = state_seconds(state_count(num_samples)).to(device) * SPEECH_RATE
    waveform = torch.zeros(count, num_samples, device=device)
    mouth = torch.tensor(REST, device=device).repeat(count, len(asked_at), 1)
    closed = torch.zeros(count, len(asked_at), device=device)
    sounds = torch.zeros(count, len(asked_at), dtype=torch.int64, device=device)
    cursor = begin
    # As many as fill the sound as a rule; where they do not, it ends in silence.
    pieces = 2 + num_samples * len(corpus.sample_counts_N) // len(corpus.samples_S)
    for piece in range(pieces):
        number = torch.randint(len(corpus.sample_counts_N), (count, 1), generator=generator, device=device)
        length = corpus.sample_counts_N[number]
        # Any window of a first utterance that is too long; the others from their beginning.
        surplus = (length - (end - begin)).clamp(min=0) if piece == 0 else torch.zeros_like(length)
        shift = (draw(0, 1) * surplus).long() - cursor
        index = heard_at + shift
        found = (heard_at >= cursor) & (heard_at < end) & (index < length)
        index = corpus.sample_begins_N[number] + torch.where(found, index, 0)
        waveform = torch.where(found, corpus.samples_S[index], waveform)
        index = ((asked_at + shift) * (corpus.moments_a_second / SPEECH_RATE)).round().long()
        found = (asked_at >= cursor) & (asked_at < end) & (index < corpus.moment_counts_N[number])
        index = corpus.moment_begins_N[number] + torch.where(found, index, 0)
        mouth = torch.where(found[..., None], corpus.mouths_M3[index], mouth)
        closed = torch.where(found, corpus.closed_M[index], closed)
        sounds = torch.where(found, corpus.sounds_M[index], sounds)
        cursor = length - shift + (draw(*_GAP) * SPEECH_RATE).long()
    inside = (heard_at >= begin) & (heard_at < end)
    worse = torch.rand(count, 1, generator=generator, device=device) < 0.5
    waveform = torch.where(worse & inside, _make_worse(waveform, generator), waveform)
    return Lesson(_normalise(waveform, inside), mouth, closed, sounds)


def _make_worse(waveform_BT: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Brighter or duller, with noise between white and pink."""
    count, length = waveform_BT.shape
    device = waveform_BT.device

    def draw(low: float, high: float) -> torch.Tensor:
        return torch.rand(count, 1, generator=generator, device=device) * (high - low) + low

    tilted = waveform_BT - draw(-_STEEPEST_TILT, _STEEPEST_TILT) * F.pad(waveform_BT, (1, 0))[:, :-1]
    noise = torch.randn(count, length, generator=generator, device=device)
    frequencies = torch.fft.rfftfreq(length, device=device).clamp(min=20 / SPEECH_RATE)
    noise = torch.fft.irfft(torch.fft.rfft(noise) * frequencies ** (-0.5 * draw(0, 1)), n=length)
    louder = 10 ** (-draw(*_NOISE_DECIBELS) / 20)
    return tilted + noise * louder * tilted.std(1, keepdim=True) / noise.std(1, keepdim=True)


def _normalise(waveform_BT: torch.Tensor, inside_BT: torch.Tensor) -> torch.Tensor:
    """As the pipeline does it: by mean and variance of the recording, without the silence around it."""
    weight = inside_BT / inside_BT.sum(1, keepdim=True)
    mean = (waveform_BT * weight).sum(1, keepdim=True)
    variance = ((waveform_BT - mean).square() * weight).sum(1, keepdim=True)
    return (waveform_BT - mean) / (variance + _VARIANCE_FLOOR).sqrt()
