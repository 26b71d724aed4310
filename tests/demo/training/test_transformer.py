import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from demo.training.footage import Footage
from demo.training.pace import Span
from demo.training.transformer import Example, Library, Training, build_transformer, draw_example, flow_loss
from s2v_runner.sampling.denoise import denoise
from s2v_runner.sampling.schedules import make_solver
from s2v_runner.transformer import Conditioning, S2VTransformer
from tests.conftest import CPU
from tests.demo.training.clips import CLIPS, CONFIG, POSED, SHORT, UTTERANCES, WHOLE, make_library, random, seeded
from tests.demo.training.settings import SETTINGS

SHORT_SHARE, WHOLE_SHARE = 0.1, 0.9


@pytest.fixture(scope="module")
def library() -> Library:
    return make_library()


def rows_of(example: Example) -> torch.Tensor:
    return example.latents_BCFHW[:, 0, 0, 0, 0].long()


def footage_of(library: Library, example: Example) -> Footage:
    return library.opening if example.conditioning.motion_BCMHW is None else library.continuing


@pytest.mark.parametrize(
    ("share", "frames", "count"), [(SHORT_SHARE, SHORT, 24 * WHOLE // SHORT), (WHOLE_SHARE, WHOLE, 24)]
)
def test_an_example_is_of_clips_and_what_belongs_to_them(library: Library, share: float, frames: int, count: int):
    kinds = set()
    for seed in range(8):
        example = draw_example(library, SETTINGS, share, seeded(seed))
        footage, rows, given = footage_of(library, example), rows_of(example), example.conditioning
        kinds.add(given.motion_BCMHW is None)
        assert example.latents_BCFHW.shape == (count, 4, frames, 8, 8)
        assert torch.equal(example.latents_BCFHW, footage.clip_NCFHW[rows, :, :frames].float())
        assert torch.equal(given.reference_BC1HW, footage.reference_NC1HW[rows].float())
        assert torch.equal(given.text_BTC, library.prompts_PTC[footage.prompt_N[rows]].float())
        assert given.motion_frames == 73
        if given.motion_BCMHW is not None:
            assert footage.motion_NCMHW is not None
            assert torch.equal(given.motion_BCMHW, footage.motion_NCMHW[rows].float())
        assert torch.equal(example.weight_BFHW, torch.where(footage.weight_NFHW[rows, :frames], 5.0, 1.0))
        for clip, row in enumerate(rows.tolist()):
            begin = 3 * row
            heard = library.speeches.features_UJCV[row % UTTERANCES, :, :, begin : begin + 4 * frames]
            assert torch.equal(given.audio_BJCV[clip], heard.float())
    assert kinds == {True, False}


def test_examples_are_of_all_clips_and_drawn_from_the_generator(library: Library):
    first, again = (draw_example(library, SETTINGS, WHOLE_SHARE, seeded(3)) for _ in range(2))
    assert torch.equal(rows_of(first), rows_of(again))
    generator = seeded(3)
    rows = torch.cat([rows_of(draw_example(library, SETTINGS, WHOLE_SHARE, generator)) for _ in range(8)])
    assert set(rows.tolist()) == set(range(CLIPS))


def test_short_clips_come_alone_at_first_and_later_as_often_as_asked(library: Library):
    settings = replace(SETTINGS, batch_size=2, short_later=0.25)

    def frames(share: float) -> list[int]:
        generator = seeded(0)
        return [draw_example(library, settings, share, generator).latents_BCFHW.shape[2] for _ in range(200)]

    assert set(frames(0.49)) == {SHORT}
    assert 30 < frames(0.5).count(SHORT) < 70


def test_batches_grow_once(library: Library):
    settings = replace(SETTINGS, batch_size=2, late_batch_size=5, late_from=0.75, short_until=0.0)
    counts = [len(draw_example(library, settings, share, seeded(0)).latents_BCFHW) for share in (0.0, 0.74, 0.75, 1.0)]
    assert counts == [2, 2, 5, 5]


def test_poses_are_those_of_their_clips_or_none(library: Library):
    torch.manual_seed(0)
    given = 0
    for seed in range(12):
        example = draw_example(library, SETTINGS, SHORT_SHARE, seeded(seed))
        footage = footage_of(library, example)
        for row, pose in zip(rows_of(example).tolist(), example.conditioning.pose_BCFHW, strict=True):
            if pose.any():
                assert torch.equal(pose, footage.pose_NCFHW[row, :, :SHORT].float())
                given += 1
    # 0.7 of the five of twelve that have one.
    assert given / (12 * 60) == pytest.approx(0.7 * POSED / CLIPS, abs=0.06)


def test_speech_and_text_are_dropped_together_and_nothing_else_is(library: Library):
    torch.manual_seed(0)
    dropped = 0
    for seed in range(10):
        example = draw_example(library, replace(SETTINGS, dropped=0.3), SHORT_SHARE, seeded(seed))
        footage, given = footage_of(library, example), example.conditioning
        silent = ~given.audio_BJCV.flatten(1).any(dim=1)
        dropped += int(silent.sum())
        for row, quiet, text in zip(rows_of(example).tolist(), silent.tolist(), given.text_BTC, strict=True):
            told = library.unconditional_PTC if quiet else library.prompts_PTC[footage.prompt_N[row]][None]
            assert any(torch.equal(text, rows.float()) for rows in told)
        assert given.reference_BC1HW.flatten(1).any(dim=1).all()
    assert dropped / 600 == pytest.approx(0.3, abs=0.07)


def test_the_past_is_given_with_noise_of_any_strength_up_to_the_one_asked(library: Library):
    torch.manual_seed(0)
    settings = replace(SETTINGS, motion_noise=0.2)
    examples = [draw_example(library, settings, SHORT_SHARE, seeded(seed)) for seed in range(8)]
    assert library.continuing.motion_NCMHW is not None
    deviations = [
        (example.conditioning.motion_BCMHW - library.continuing.motion_NCMHW[rows_of(example)].float())
        .flatten(1)
        .std(1)
        for example in examples
        if example.conditioning.motion_BCMHW is not None
    ]
    strengths = torch.cat(deviations)
    assert 0.19 < strengths.max() < 0.21
    assert strengths.min() < 0.02
    assert strengths.mean() == pytest.approx(0.1, abs=0.02)


@pytest.fixture
def transformer() -> S2VTransformer:
    return build_transformer(CONFIG, seed=0)


def test_it_is_built_from_its_seed_and_all_of_it_is_filled(transformer: S2VTransformer):
    again, other = build_transformer(CONFIG, seed=0), build_transformer(CONFIG, seed=1)
    for (name, parameter), same in zip(transformer.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(parameter, same), name
        assert parameter.isfinite().all(), name
        assert parameter.abs().max() < 10, name
    assert not torch.equal(transformer.patch_embedding.weight, other.patch_embedding.weight)


def test_it_begins_with_an_answer_of_zero_from_which_it_can_learn(transformer: S2VTransformer, library: Library):
    """Its loss is then that of the noise and the latents together: 1 and their mean square."""
    torch.manual_seed(0)
    example = draw_example(library, SETTINGS, WHOLE_SHARE, seeded(0))
    loud = replace(example, latents_BCFHW=2 * example.latents_BCFHW / example.latents_BCFHW.std())
    answer = transformer(loud.latents_BCFHW, torch.full((24,), 500.0), transformer.prepare(loud.conditioning))
    assert (answer == 0).all()
    loss_B = flow_loss(transformer, loud, SETTINGS)
    assert loss_B.shape == (24,)
    assert loss_B.mean().item() == pytest.approx(5.0, rel=0.05)
    loss_B.mean().backward()
    assert transformer.head.project.weight.grad is not None
    assert transformer.head.project.weight.grad.any()


class Oracle(nn.Module):
    """Knows the latents, and tells the velocity from how noisy they are."""

    def __init__(self, latents_BCFHW: torch.Tensor) -> None:
        super().__init__()
        self.latents_BCFHW = latents_BCFHW
        self.times: list[float] = []

    def prepare(self, conditioning: Conditioning) -> None: ...

    def forward(self, noisy_BCFHW: torch.Tensor, timestep_B: torch.Tensor, prepared: None) -> torch.Tensor:
        self.times += timestep_B.tolist()
        return (noisy_BCFHW - self.latents_BCFHW) / (timestep_B / 1000).view(-1, 1, 1, 1, 1)


def loss_of(model: nn.Module, example: Example) -> torch.Tensor:
    assert isinstance(model, Oracle)
    return flow_loss(model, example, SETTINGS)  # pyright: ignore[reportArgumentType]


def test_who_knows_the_latents_has_no_loss_and_is_led_to_them_by_the_sampler(library: Library):
    torch.manual_seed(0)
    example = draw_example(library, SETTINGS, SHORT_SHARE, seeded(0))
    oracle = Oracle(example.latents_BCFHW)
    assert loss_of(oracle, example).max() < 1e-4
    noise = torch.randn_like(example.latents_BCFHW)
    solver = make_solver("euler", 8, range(8), 3.0, CPU)
    led = denoise(noise, lambda latents, time: oracle(latents, time, None), solver, lambda *_: None)
    assert torch.allclose(led, example.latents_BCFHW, atol=1e-4)


def test_noise_levels_are_moved_towards_noise(library: Library):
    torch.manual_seed(0)
    example = draw_example(library, SETTINGS, SHORT_SHARE, seeded(0))
    oracle = Oracle(example.latents_BCFHW)
    for _ in range(40):
        loss_of(oracle, example)
    sigmas = torch.tensor(oracle.times) / 1000
    assert 0 < sigmas.min() < 0.02 < 0.98 < sigmas.max() < 1
    # u → s·u / (1 + (s − 1)·u) takes the middle there.
    assert sigmas.median().item() == pytest.approx(2.5 * 0.5 / (1 + 1.5 * 0.5), abs=0.02)


def test_an_error_counts_more_where_the_weight_is_and_its_scale_does_not_matter(library: Library):
    example = draw_example(library, SETTINGS, SHORT_SHARE, seeded(0))
    wrong = example.latents_BCFHW.clone()
    wrong[..., :4] += 1.0

    def loss(weight_left: float, weight_right: float) -> float:
        torch.manual_seed(0)
        weight_BFHW = torch.full_like(example.weight_BFHW, weight_right)
        weight_BFHW[..., :4] = weight_left
        return float(loss_of(Oracle(wrong), replace(example, weight_BFHW=weight_BFHW)).mean())

    assert loss(3.0, 1.0) == pytest.approx(1.5 * loss(1.0, 1.0), rel=1e-4)
    assert loss(7.0, 7.0) == pytest.approx(loss(1.0, 1.0), rel=1e-4)
    assert loss(0.0, 1.0) == pytest.approx(0.0, abs=1e-3)


def train(training: Training, library: Library, steps: int, done: float, until: float, log: Path) -> None:
    training.go_on(library, Span(seconds=1e9, steps=steps), done, until, log)


TRAINED = replace(SETTINGS, batch_size=2, dropped=0.2, motion_noise=0.1)


def test_a_training_that_is_left_and_taken_up_goes_on_as_if_it_had_not_been(library: Library, tmp_path: Path):
    log = tmp_path / "log.jsonl"
    whole = Training(build_transformer(CONFIG, seed=0), TRAINED, seed=7)
    torch.manual_seed(5)
    train(whole, library, 4, 0.0, 0.4, log)

    first = Training(build_transformer(CONFIG, seed=0), TRAINED, seed=7)
    torch.manual_seed(5)
    train(first, library, 2, 0.0, 0.2, log)
    kept = io.BytesIO()
    torch.save(first.state(0.2), kept)
    kept.seek(0)
    torch.manual_seed(6)
    second = Training(build_transformer(CONFIG, seed=1), TRAINED, seed=7)
    assert second.take_up(torch.load(kept, weights_only=True)) == 0.2
    train(second, library, 2, 0.2, 0.4, log)

    assert second.steps == whole.steps == 4
    for (name, one), other in zip(whole.transformer.named_parameters(), second.transformer.parameters(), strict=True):
        assert torch.equal(one, other), name
    for one, other in zip(whole.average.values, second.average.values, strict=True):
        assert torch.equal(one, other)
    start = build_transformer(CONFIG, seed=0)
    assert not torch.equal(start.head.project.weight, whole.transformer.head.project.weight)


def test_a_training_learns(transformer: S2VTransformer, library: Library, tmp_path: Path):
    """Clips that are all the same are soon known."""
    torch.manual_seed(0)
    same = random(1, 4, 1, 1, 1, seed=1).expand(CLIPS, 4, WHOLE, 8, 8) * 2
    plain = Library(
        opening=replace(library.opening, clip_NCFHW=same),
        continuing=replace(library.continuing, clip_NCFHW=same),
        speeches=library.speeches,
        prompts_PTC=library.prompts_PTC,
        unconditional_PTC=library.unconditional_PTC,
    )
    training = Training(transformer, replace(TRAINED, batch_size=4), seed=0)
    example = draw_example(plain, SETTINGS, SHORT_SHARE, seeded(0))
    with torch.no_grad():
        before = flow_loss(transformer, example, SETTINGS).mean()
    train(training, plain, 25, 0.0, 0.4, tmp_path / "log.jsonl")
    training.average.apply()
    with torch.no_grad():
        assert flow_loss(transformer, example, SETTINGS).mean() < 0.8 * before
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
