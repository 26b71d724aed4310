from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

from demo.training.footage import CLIP_FRAMES, Footage, Past, Scene, draw_scene
from demo.training.listener import build_extractor, build_listener
from demo.training.speeches import (
    LEAD_FRAMES,
    Speeches,
    draw_lines,
    follow_utterance,
    hear,
    keep_utterances,
    place,
    read_utterances,
)
from demo.training.transformer import Library, draw_example
from demo.world.performance import FRAMES_PER_SECOND
from demo.world.speech import Line, Phoneme, Utterance, Voice, at_16_khz, speak_all
from s2v_runner.conditioning.audio import encode_speech
from s2v_runner.plan import plan_run
from s2v_runner.records import FIXED, Request, Sound
from tests.demo.training.settings import SETTINGS

RATE = 16000
FEATURE_FRAMES = 2 * CLIP_FRAMES
TEXTS = (
    "My mother bought five blue apples, and we ate them by the river. Who was it that asked for more of them?",
    "We were moving the boat, perhaps by noon, when the wind came up and blew us over to the other side of the bay.",
)


@pytest.fixture(scope="module")
def listener() -> Wav2Vec2Model:
    return build_listener(1, None).eval()


@pytest.fixture(scope="module")
def extractor() -> Wav2Vec2FeatureExtractor:
    return build_extractor()


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    return speak_all([Line(text, Voice("en-us+f2", 150, 50)) for text in TEXTS], 1)


@pytest.fixture
def features_of_a_run(
    extractor: Wav2Vec2FeatureExtractor, request_for: Callable[..., Request]
) -> Callable[[Wav2Vec2Model, Utterance, bool], torch.Tensor]:
    """What the pipeline gives the transformer for all frames of two clips [J, C, V]."""

    def encode(listener: Wav2Vec2Model, utterance: Utterance, start_from_ref: bool) -> torch.Tensor:
        samples = at_16_khz(utterance)
        request = request_for(infer_frames=CLIP_FRAMES, start_from_ref=start_from_ref)
        plan = plan_run(request, (128, 128), len(samples), RATE)
        assert plan.made_frames == FEATURE_FRAMES
        return encode_speech(listener, extractor, Sound(samples, RATE), plan, FRAMES_PER_SECOND, FIXED)[0]

    return encode


def test_lines_are_drawn_from_the_seed_and_about_as_long_as_asked():
    voices = ("en-us+f1", "en+m3")
    lines = draw_lines(40, voices, (3.0, 5.0), np.random.default_rng(1))
    assert lines == draw_lines(40, voices, (3.0, 5.0), np.random.default_rng(1))
    assert {line.voice.name for line in lines} == set(voices)
    assert len({line.text for line in lines}) > 35
    longer = draw_lines(40, voices, (10.0, 13.0), np.random.default_rng(1))
    assert sum(len(line.text) for line in longer) > 2 * sum(len(line.text) for line in lines)


def test_a_mouth_lasts_as_long_as_its_utterance(utterances: list[Utterance]):
    for utterance in utterances:
        track = follow_utterance(utterance)
        assert len(track.opening_V) == round(len(utterance.samples) / utterance.rate * 16)
        assert track.opening_V.max() > 0.5


def test_what_is_heard_is_what_the_pipeline_gives_the_transformer(
    utterances: list[Utterance],
    listener: Wav2Vec2Model,
    extractor: Wav2Vec2FeatureExtractor,
    features_of_a_run: Callable[[Wav2Vec2Model, Utterance, bool], torch.Tensor],
):
    speeches = hear([*utterances, utterances[0]], listener, extractor, FEATURE_FRAMES, batch_size=2)
    assert speeches.features_UJCV.shape == (3, 5, 128, FEATURE_FRAMES)
    assert speeches.features_UJCV.dtype == torch.float16
    assert speeches.frames == FEATURE_FRAMES
    assert [speeches.length(number) for number in range(3)] == [len(mouth.opening_V) for mouth in speeches.mouths]
    for heard, utterance in zip(speeches.features_UJCV.float(), [*utterances, utterances[0]], strict=True):
        wanted = features_of_a_run(listener, utterance, False)
        assert torch.allclose(heard, wanted, rtol=2e-3, atol=2e-3)
        assert not torch.allclose(heard.roll(1, -1), wanted, rtol=0.1, atol=0.1)


def test_a_long_utterance_is_cut_and_a_short_one_followed_by_silence(
    utterances: list[Utterance], extractor: Wav2Vec2FeatureExtractor
):
    samples = at_16_khz(utterances[0])
    before = round(LEAD_FRAMES / 16 * RATE)
    cut, whole = (place(samples, extractor, frames) for frames in (40, 400))
    assert len(cut) == round((40 / 16 + 0.2) * RATE)
    assert len(whole) == round((400 / 16 + 0.2) * RATE)
    assert np.array_equal(cut, whole[: len(cut)])
    assert len(set(whole[:before].tolist())) == len(set(whole[before + len(samples) :].tolist())) == 1
    assert whole[before : before + len(samples)].std() == pytest.approx(1, abs=1e-3)


def test_kept_utterances_are_read_as_they_were(tmp_path: Path, utterances: list[Utterance]):
    keep_utterances(tmp_path / "speeches.npz", utterances)
    again = read_utterances(tmp_path / "speeches.npz")
    assert len(again) == 2
    for one, other in zip(utterances, again, strict=True):
        assert (one.text, one.voice, one.rate, one.phonemes) == (other.text, other.voice, other.rate, other.phonemes)
        assert np.array_equal(one.samples, other.samples)
        assert other.samples.dtype == one.samples.dtype


PLANTED = (20, 45, 90)
"""Frames of three utterances in which something is heard and the mouth is open."""


def plant(frame: int) -> Utterance:
    """Six seconds of silence but for a noise of 60 ms around a frame, in which the mouth says ah."""
    rng = np.random.default_rng(frame)
    samples = np.zeros(6 * RATE)
    middle = frame * RATE // FRAMES_PER_SECOND
    samples[middle - 480 : middle + 480] = rng.normal(0, 6000, 960)
    said = Phoneme("ɑ", middle / RATE - 0.03, middle / RATE + 0.03)
    return Utterance("ah", Voice("en", 150, 50), samples.astype(np.int16), RATE, (said,))


@pytest.fixture(scope="module")
def shortsighted() -> Wav2Vec2Model:
    """A listener whose first state knows only what is said at its time."""
    listener = build_listener(1, None).eval()
    assert isinstance(listener.encoder.pos_conv_embed, nn.Module)
    for name, parameter in listener.encoder.pos_conv_embed.named_parameters():
        # The weights are kept as lengths and directions, and a direction cannot be zero.
        if not name.endswith("original1"):
            nn.init.zeros_(parameter)
    return listener


@pytest.fixture(scope="module")
def planted(shortsighted: Wav2Vec2Model, extractor: Wav2Vec2FeatureExtractor) -> Speeches:
    return hear([plant(frame) for frame in PLANTED], shortsighted, extractor, FEATURE_FRAMES, batch_size=3)


def loudest(features_JCV: torch.Tensor) -> int:
    """The frame in which the first state is most unlike what it mostly is."""
    local = features_JCV[0].float()
    return int((local - local.median(dim=1, keepdim=True).values).norm(dim=0).argmax())


@pytest.mark.parametrize(("start_from_ref", "later"), [(False, LEAD_FRAMES), (True, 0)])
@pytest.mark.parametrize("frame", PLANTED)
def test_a_run_hears_a_noise_where_a_training_does(
    features_of_a_run: Callable[[Wav2Vec2Model, Utterance, bool], torch.Tensor],
    shortsighted: Wav2Vec2Model,
    planted: Speeches,
    frame: int,
    start_from_ref: bool,
    later: int,
):
    run = loudest(features_of_a_run(shortsighted, plant(frame), start_from_ref))
    training = loudest(planted.features_UJCV[PLANTED.index(frame)])
    assert run == frame + later
    assert training == frame + LEAD_FRAMES
    assert planted.mouths[PLANTED.index(frame)].opening_V.argmax() == frame


def as_footage(scene: Scene) -> Footage:
    """The clips of a scene without pictures: only what tells which speech they hear."""
    count = len(scene.begin_B)
    latents = torch.zeros(count, 16, CLIP_FRAMES // 4, 8, 8)
    return Footage(
        reference_NC1HW=latents[:, :, :1],
        clip_NCFHW=latents + torch.arange(count).view(-1, 1, 1, 1, 1),
        motion_NCMHW=None if scene.past == "none" else latents[:, :, :19],
        pose_NCFHW=latents[:1],
        weight_NFHW=torch.zeros(count, CLIP_FRAMES // 4, 8, 8, dtype=torch.bool),
        utterance_N=scene.utterance_B,
        begin_N=scene.begin_B,
        prompt_N=torch.zeros(count, dtype=torch.int64),
    )


def mouths_and_sounds(scene: Scene, planted: Speeches) -> Sequence[tuple[int, int]]:
    """The frame of each clip in which the mouth opens and the one in which the transformer hears the noise."""
    footage = as_footage(scene)
    text = torch.zeros(1, 64, 96)
    library = Library(footage, footage, planted, text, text)
    example = draw_example(library, SETTINGS, share=1.0, generator=torch.Generator().manual_seed(0))
    clips = example.latents_BCFHW[:, 0, 0, 0, 0].long()
    openings = scene.takes.performances.opening[clips, -CLIP_FRAMES:]
    assert example.conditioning.audio_BJCV.shape == (len(clips), 5, 128, CLIP_FRAMES)
    return [
        (int(opening.argmax()), loudest(features))
        for opening, features in zip(openings, example.conditioning.audio_BJCV, strict=True)
        if opening.max() > 0.5
    ]


@pytest.mark.parametrize("past", ["none", "video", "grey", "picture"])
def test_the_transformer_learns_the_mouth_with_the_sound_that_it_hears_in_the_same_frame(planted: Speeches, past: Past):
    scene = draw_scene(planted, 40, past, torch.Generator().manual_seed(2))
    pairs = mouths_and_sounds(scene, planted)
    assert len(pairs) >= 10
    assert all(mouth == sound for mouth, sound in pairs)
    if past == "none":
        assert {mouth for mouth, _ in pairs} == {frame + LEAD_FRAMES for frame in PLANTED if frame < 77}
    elif past == "picture":
        assert {mouth for mouth, _ in pairs} == {frame for frame in PLANTED if frame < 80}
    else:
        assert len(set(pairs)) > 10
