from dataclasses import replace

import pytest
import torch

from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.conditioning.text import encode_prompt
from s2v_runner.engine import Engine
from s2v_runner.estimate import Memory
from s2v_runner.placement.residence import visit, visit_by_layers
from s2v_runner.records import MatrixName
from s2v_runner.transformer import Conditioning, S2VTransformer
from tests.conftest import CPU, make_engine
from tests.places import TINY_CHECKPOINT

META = torch.device("meta")


def engine_with(memory: Memory, matrices: MatrixName) -> Engine:
    settings = replace(make_engine(TINY_CHECKPOINT).settings, memory=memory, matrices=matrices)
    return Engine(settings, lambda *_: None, UNSHARDED)


def velocity(transformer: S2VTransformer) -> torch.Tensor:
    config, generator = transformer.config, torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    conditioning = Conditioning(
        text_BTC=draw(1, 5, config.text_dim),
        audio_BJCV=draw(1, config.num_audio_layers, config.audio_dim, 8),
        reference_BC1HW=draw(1, config.latent_channels, 1, 8, 8),
        pose_BCFHW=draw(1, config.pose_channels, 2, 8, 8),
        motion_BCMHW=draw(1, config.latent_channels, 19, 8, 8),
        motion_frames=73,
    )
    latents = draw(1, config.latent_channels, 2, 8, 8)
    return transformer(latents, torch.tensor([700.0]), transformer.prepare(conditioning))


@pytest.mark.parametrize("matrices", ["model", "float8", "float8_weights"])
@torch.no_grad()
def test_a_checkpoint_makes_the_same_wherever_its_blocks_wait(matrices: MatrixName):
    resident, *others = (
        velocity(engine_with(memory, matrices).transformer) for memory in ("resident", "offload", "stream", "tiny")
    )
    assert torch.isfinite(resident).all()
    for other in others:
        assert torch.equal(other, resident)


@torch.no_grad()
def test_a_checkpoint_in_eight_bits_is_near_and_not_the_same(tiny_engine: Engine):
    exact = velocity(tiny_engine.transformer)
    for matrices in ("float8", "float8_weights"):
        error = (velocity(engine_with("resident", matrices).transformer) - exact).norm() / exact.norm()
        assert 1e-4 < error < 0.2


def test_a_module_visits_and_goes_home():
    module = torch.nn.Linear(2, 2)
    with visit(module, CPU, META) as visiting:
        assert visiting.weight.device == CPU
    assert module.weight.device == META


def test_a_module_goes_home_after_an_error():
    module = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="broken"), visit(module, CPU, META):
        raise RuntimeError("broken")
    assert module.weight.device == META


@torch.no_grad()
def test_a_text_encoder_by_layers_says_the_same(tiny_engine: Engine):
    encoder, tokenizer = tiny_engine.text_encoder, tiny_engine.tokenizer
    whole = encode_prompt(encoder, tokenizer, "A woman speaks", CPU)
    with visit_by_layers(encoder, CPU) as visiting:
        # Between their turns, the layers are nowhere.
        assert {parameter.device for parameter in visiting.parameters()} == {META}
        assert torch.equal(encode_prompt(visiting, tokenizer, "A woman speaks", CPU), whole)
    assert {parameter.device for parameter in encoder.parameters()} == {CPU}
    assert torch.equal(encode_prompt(encoder, tokenizer, "A woman speaks", CPU), whole)
