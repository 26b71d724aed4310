"""The promises of prepare and forward, on a small random model."""

import dataclasses

import pytest
import torch

from s2v_runner.transformer import Conditioning, S2VTransformer, plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from tests.conftest import CPU
from tests.transformer.models import CONFIG, FRAMES, LATENTS, TIME, draw, make_conditioning, make_transformer


@torch.no_grad()
def velocity(model: S2VTransformer, conditioning: Conditioning, time: torch.Tensor = TIME) -> torch.Tensor:
    return model(LATENTS, time, model.prepare(conditioning))


@torch.no_grad()
def test_preparing_once_equals_preparing_for_every_step(transformer: S2VTransformer):
    first, second = make_conditioning(0), make_conditioning(50)
    prepared_first, prepared_second = transformer.prepare(first), transformer.prepare(second)
    for time in (torch.tensor([999.0]), torch.tensor([500.5]), torch.tensor([3.0])):
        # In turn, so that anything kept between calls would mix the branches.
        for prepared, conditioning in ((prepared_first, first), (prepared_second, second)):
            assert torch.equal(transformer(LATENTS, time, prepared), velocity(transformer, conditioning, time))


@torch.no_grad()
def test_forward_leaves_what_was_prepared_as_it_was(transformer: S2VTransformer):
    prepared = transformer.prepare(make_conditioning())
    once = transformer(LATENTS, TIME, prepared)
    assert torch.equal(once, transformer(LATENTS, TIME, prepared))
    assert once.dtype == torch.float32
    assert once.shape == LATENTS.shape


@pytest.mark.parametrize("field", ["text_BTC", "audio_BJCV", "reference_BC1HW", "pose_BCFHW", "motion_BCMHW"])
def test_every_condition_has_a_say(transformer: S2VTransformer, field: str):
    before = make_conditioning()
    after = dataclasses.replace(before, **{field: getattr(before, field) + 1})
    assert not torch.allclose(velocity(transformer, before), velocity(transformer, after), atol=1e-3)


def test_missing_text_rows_are_zeros_that_take_part(transformer: S2VTransformer):
    short = make_conditioning()
    padded = dataclasses.replace(short, text_BTC=torch.nn.functional.pad(short.text_BTC, (0, 0, 0, 4)))
    assert torch.equal(velocity(transformer, short), velocity(transformer, padded))
    fewer = dataclasses.replace(short, text_BTC=short.text_BTC[:, :5])
    assert not torch.allclose(velocity(transformer, short), velocity(transformer, fewer), atol=1e-4)


def test_audio_of_the_future_does_not_reach_the_past(transformer: S2VTransformer):
    before = make_conditioning().audio_BJCV
    after = before.clone()
    after[..., -4:] += 1
    tokens = [transformer.audio_encoder(audio, 73) for audio in (before, after)]
    for name in ("overall_BFD", "local_BFAD"):
        ours, theirs = (getattr(token, name) for token in tokens)
        assert torch.equal(ours[:, :-1], theirs[:, :-1])
        assert not torch.equal(ours[:, -1], theirs[:, -1])


def test_fewer_motion_latents_are_led_by_zeros_and_only_the_newest_are_seen(transformer: S2VTransformer):
    motion = draw(1, 1, 16, 19, 8, 16)
    motion[:, :, :14] = 0
    packer = transformer.motion_packer
    assert torch.equal(packer(motion), packer(motion[:, :, 14:]))
    longer = torch.cat((draw(2, 1, 16, 5, 8, 16), motion), dim=2)
    assert torch.equal(packer(motion), packer(longer))


@torch.no_grad()
def test_a_batch_is_its_members(transformer: S2VTransformer):
    conditioning = make_conditioning(batch=2)
    latents, times = draw(20, 2, 16, FRAMES, 8, 16), torch.tensor([900.0, 100.0])
    together = transformer(latents, times, transformer.prepare(conditioning))
    for index in range(2):
        parts = {
            field.name: value[index : index + 1]
            for field in dataclasses.fields(conditioning)
            if isinstance(value := getattr(conditioning, field.name), torch.Tensor)
        }
        alone = dataclasses.replace(conditioning, **parts)
        own = transformer(latents[index : index + 1], times[index : index + 1], transformer.prepare(alone))
        assert torch.allclose(together[index : index + 1], own, atol=1e-5)


@pytest.mark.parametrize("with_motion", [True, False])
@torch.no_grad()
def test_bfloat16_stays_near_float32(with_motion: bool):
    half, exact = (make_transformer(plain_backend("sdpa"), dtype) for dtype in (torch.bfloat16, torch.float32))
    conditioning = make_conditioning(with_motion=with_motion)
    rounded, unrounded = velocity(half, conditioning), velocity(exact, conditioning)
    assert rounded.dtype == torch.float32
    error = (rounded - unrounded).norm() / unrounded.norm()
    assert 0 < error < 0.015


def test_gradients_flow_to_every_parameter(transformer: S2VTransformer):
    model = random_transformer(CONFIG, plain_backend("sdpa"), CPU, torch.float32, seed=3)
    model.requires_grad_(True)
    model(LATENTS, TIME, model.prepare(make_conditioning())).square().mean().backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not without
