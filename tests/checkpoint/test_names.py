"""Our tables of names against the lists that the published converters give.

`published/` holds what they were observed to write:
- `transformer_converted.tsv`: official name, converted name; huggingface/diffusers pull request 12258 at ae8b2b596
  (its `S2V_TRANSFORMER_KEYS_RENAME_DICT`), whose results are exactly the 1260 tensors of its model class.
- `transformer_nested.txt`: the tensors of that model class at 64044ecb0.
- `vae_converted.tsv`: official name, converted name; `convert_vae` of huggingface/diffusers itself.
`{}` stands for the number of a block or of an injection.
"""

import re
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from benchmarks.models import RELEASED
from s2v_runner.checkpoint.names import DIALECTS, TransformerNames, recognise_dialect
from s2v_runner.checkpoint.vae import official_vae_names, plan_vae
from s2v_runner.transformer import S2VTransformer, plain_backend

PUBLISHED = Path(__file__).parent / "published"
NUMBERED = re.compile(r"\b(blocks|injector|injector_adain_layers)\.\d+\.")


def read_pairs(name: str) -> dict[str, str]:
    lines = (PUBLISHED / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


def generic(name: str) -> str:
    return NUMBERED.sub(r"\1.{}.", name)


@pytest.fixture(scope="module")
def our_names() -> list[str]:
    with torch.device("meta"):
        return list(S2VTransformer(RELEASED, plain_backend("sdpa")).state_dict())


def names_in(dialect: str) -> TransformerNames:
    return TransformerNames(dialect, RELEASED.audio_injection_layers)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_released_model_has_1260_tensors_under_names_of_their_own(our_names: list[str], dialect: str):
    published = {names_in(dialect).published(name) for name in our_names}
    assert len(published) == len(our_names) == 1260
    assert recognise_dialect(published) == dialect


def test_each_tensor_is_the_one_that_the_converter_makes_of_the_official_one(our_names: list[str]):
    pairs = read_pairs("transformer_converted.tsv")
    ours = {
        generic(names_in("official").published(name)): generic(names_in("diffusers").published(name))
        for name in our_names
    }
    assert ours == pairs


def test_the_nested_names_are_those_of_the_later_model_class(our_names: list[str]):
    listed = set((PUBLISHED / "transformer_nested.txt").read_text(encoding="utf-8").split())
    assert {generic(names_in("diffusers_nested").published(name)) for name in our_names} == listed


def test_injections_are_numbered_in_their_own_order():
    official = names_in("official")
    assert official.published("blocks.27.audio_injection.query.weight") == "audio_injector.injector.7.q.weight"
    assert official.published("blocks.39.audio_injection.modulation.bias") == (
        "audio_injector.injector_adain_layers.11.linear.bias"
    )


def test_the_autoencoders_names_are_those_of_the_converter():
    pairs = read_pairs("vae_converted.tsv")
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in AutoencoderKLWan().state_dict().items()}
    official_shapes = {official: shapes[converted] for official, converted in pairs.items()}
    plan = plan_vae(official_shapes)
    assert {official: ours for ours, official in plan.names.items()} == pairs
    assert {name: tuple(tensor.shape) for name, tensor in plan.build().state_dict().items()} == shapes
    assert official_vae_names(shapes) == {ours: official for official, ours in pairs.items()}


def test_names_of_something_else_are_not_recognised():
    assert recognise_dialect(["model.layers.0.weight", "lm_head.weight"]) is None
