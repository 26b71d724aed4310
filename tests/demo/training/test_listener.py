import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from demo.training.corpus import REST, Corpus, collect, draw_lesson, state_count, state_seconds
from demo.training.listener import (
    WEIGHTS_NAME,
    ListenerScores,
    ListenerSettings,
    build_extractor,
    build_listener,
    hear,
    measure_listener,
    preprocessor_config,
    train_listener,
    write_listener,
)
from demo.training.pace import Span
from demo.world.mouth import closures, follow_phonemes
from demo.world.speech import Line, Utterance, Voice, at_16_khz, speak_all
from s2v_runner.checkpoint.audio_encoder import plan_audio_encoder
from s2v_runner.conditioning.audio import encode_speech, encode_waveform
from s2v_runner.plan import feature_indices, interpolated_count, plan_run
from s2v_runner.records import FIXED, Request, Sound

CPU = torch.device("cpu")
FPS = 16
SETTINGS = ListenerSettings(seed=14, fps=FPS, step_seconds=2.0, learning_rate=1e-3, warm_up_steps=1)
TEXTS = ("My mother bought five blue apples.", "We were moving the boat, perhaps by noon.")


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    return speak_all([Line(text, Voice("en-us+f2", 150, 50)) for text in TEXTS], 1)


@pytest.fixture(scope="module")
def corpus(utterances: list[Utterance]) -> Corpus:
    return collect(utterances, FPS, CPU)


@pytest.fixture(scope="module")
def listener() -> Wav2Vec2Model:
    return build_listener(1, None).eval()


def test_it_has_about_a_million_parameters(listener: Wav2Vec2Model):
    assert 0.8e6 < sum(parameter.numel() for parameter in listener.parameters()) < 1.3e6


def test_what_is_written_is_what_the_pipeline_loads(tmp_path: Path, listener: Wav2Vec2Model):
    write_listener(listener, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    state = listener.state_dict()
    plan = plan_audio_encoder(config, {name: tuple(tensor.shape) for name, tensor in state.items()})
    assert set(plan.names.values()) == set(state)
    assert plan.sizes == {"audio_dim": 128, "num_audio_layers": 5}
    again = build_listener(2, tmp_path / WEIGHTS_NAME)
    assert all(torch.equal(tensor, state[name]) for name, tensor in again.state_dict().items())
    assert Wav2Vec2Model(Wav2Vec2Config.from_dict(config)).state_dict().keys() == state.keys()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(tmp_path)
    assert extractor.to_dict() | preprocessor_config() == extractor.to_dict()


@pytest.mark.parametrize("num_samples", [400, 32000, 33333, 160000])
def test_the_states_are_counted_as_the_encoder_makes_them(listener: Wav2Vec2Model, num_samples: int):
    assert listener(torch.zeros(1, num_samples)).last_hidden_state.shape[1] == state_count(num_samples)


@pytest.mark.parametrize("states", [99, 149, 250, 1499])
def test_a_state_stands_for_the_time_at_which_the_pipeline_takes_it(states: int):
    times = state_seconds(states)[None, :, None]
    clock = Mock(Wav2Vec2Model, device=CPU)
    clock.return_value = SimpleNamespace(hidden_states=(times,), last_hidden_state=times)
    features = encode_waveform(clock, np.zeros(1, np.float32))[0, :, 0]
    assert len(features) == interpolated_count(states)
    assert features.numpy() == pytest.approx(np.arange(len(features)) / 30, abs=1e-4)
    # Of the frames of a video, none hears more than half a feature beside its time.
    picked = [index for index in feature_indices(1000, FPS) if index < len(features)]
    assert np.abs(features[picked].numpy() - np.arange(len(picked)) / FPS).max() <= 1 / 60 + 1e-4


def test_the_corpus_shows_the_mouth_of_a_video(utterances: list[Utterance], corpus: Corpus):
    begin, count = int(corpus.moment_begins_N[1]), int(corpus.moment_counts_N[1])
    every = corpus.moments_a_second // FPS
    mouths, closed = corpus.mouths_M3[begin : begin + count], corpus.closed_M[begin : begin + count]
    track = follow_phonemes(utterances[1].phonemes, count // every, FPS)
    assert torch.equal(mouths[::every, 0], torch.from_numpy(track.opening_V))
    assert torch.equal(mouths[::every, 2], torch.from_numpy(track.rounding_V))
    assert closed[::every].bool().tolist() == closures(utterances[1].phonemes, count // every, FPS).tolist()
    # A video that begins a quarter of a frame into the speech.
    later = [replace(said, start=said.start - 1 / 64, end=said.end - 1 / 64) for said in utterances[1].phonemes]
    shown = torch.from_numpy(follow_phonemes(later, count // every, FPS).opening_V)
    assert mouths[1::every, 0][1:-1].numpy() == pytest.approx(shown[1:-1].numpy(), abs=0.02)


def test_a_lesson_pairs_the_speech_with_its_mouth(corpus: Corpus):
    lesson = draw_lesson(corpus, 64, 48000, torch.Generator().manual_seed(0))
    assert lesson.waveform_BT.shape == (64, 48000)
    assert lesson.mouth_BI3.shape == (64, state_count(48000), 3)
    # Around the speech there is silence, and the mouth rests.
    assert torch.equal(lesson.mouth_BI3[:, 0], torch.tensor(REST).expand(64, -1))
    assert lesson.waveform_BT[:, 0].abs().max() < 0.1
    # Loudness and opening go together only where they are of the same time.
    loud = lesson.waveform_BT[:, : 149 * 320].unflatten(1, (149, 320)).square().mean(2).sqrt()
    opening = lesson.mouth_BI3[..., 0]
    alike = [alikeness(loud, opening.roll(shift, 1)) for shift in (-25, 0, 25)]
    assert alike[1] > max(alike[0], alike[2]) + 0.2


def alikeness(first: torch.Tensor, second: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


def test_a_window_of_a_lesson_is_a_piece_of_the_speech(corpus: Corpus):
    lesson = draw_lesson(corpus, 16, 32000, torch.Generator().manual_seed(3))
    heard = torch.nn.functional.normalize(lesson.waveform_BT[:, 14000:16000], dim=1)
    begin = int(corpus.sample_begins_N[1])
    found = 0
    for speech in (corpus.samples_S[:begin], corpus.samples_S[begin:]):
        windows = torch.nn.functional.normalize(speech.unfold(0, 2000, 1), dim=1)
        found += int(((heard @ windows.T).amax(1) > 0.999).sum())
    # The half that is left as it is, but for those that change utterance just there.
    assert found >= 3


def test_a_long_lesson_is_full_of_speech(corpus: Corpus):
    lesson = draw_lesson(corpus, 4, 15 * 16000, torch.Generator().manual_seed(0))
    assert (lesson.sounds_BI > 0).float().mean() > 0.5
    assert lesson.closed_BI.mean() > 0.05


def test_speech_is_heard_as_a_run_hears_it(listener: Wav2Vec2Model, utterances: list[Utterance], request_for):
    request: Request = request_for(infer_frames=48, compat=FIXED)
    sound = Sound(at_16_khz(utterances[0]), 16000)
    plan = plan_run(request, (80, 96), len(sound.samples), 16000)
    theirs = encode_speech(listener, build_extractor(), sound, plan, FPS, FIXED)[0, ..., plan.lead_frames :]
    ours = hear(listener, sound.samples, plan.made_frames - plan.lead_frames)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_half_a_minute_is_heard(listener: Wav2Vec2Model):
    noise = np.random.default_rng(0).normal(0, 0.1, 30 * 16000).astype(np.float32)
    features = hear(listener, noise, 480)
    assert features.shape == (5, 128, 480)
    assert torch.isfinite(features).all()


def test_training_lowers_the_losses_and_goes_on_from_weights(tmp_path: Path, utterances: list[Utterance]):
    span = Span(seconds=60, steps=11)
    trained = train_listener(utterances, SETTINGS, span, CPU, tmp_path / "first.jsonl", None)
    before, after = (json.loads(line) for line in (tmp_path / "first.jsonl").read_text().splitlines())
    assert after["mouth"] < 0.5 * before["mouth"]
    assert after["phoneme"] < before["phoneme"]
    write_listener(trained, tmp_path)
    again = train_listener(utterances, SETTINGS, Span(60, 0), CPU, tmp_path / "log.jsonl", tmp_path / WEIGHTS_NAME)
    assert all(torch.equal(tensor, trained.state_dict()[name]) for name, tensor in again.state_dict().items())
    assert not again.training


def test_the_scores_are_of_what_is_told(listener: Wav2Vec2Model, utterances: list[Utterance]):
    """Features fit a handful of frames even when they are random; a listener that hears nothing has no scores."""
    scores = measure_listener(listener, utterances, utterances)
    assert isinstance(scores, ListenerScores)
    assert min(scores.opening, scores.width, scores.rounding) > 0.9
    assert scores.closure_recall > 0.8
    elsewhere = measure_listener(listener, utterances[:1], utterances[1:])
    assert elsewhere.opening < 0.8
