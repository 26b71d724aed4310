"""LoRAs: what is merged is what one would add by hand, whatever its names."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from s2v_runner.checkpoint.names import DIALECTS, TransformerNames, module_names
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.engine import Engine
from s2v_runner.errors import InputError
from tests.checkpoint.folders import copy_official, write_diffusers
from tests.checkpoint.loras import (
    NAMINGS,
    RANK,
    Naming,
    Tensors,
    assert_near,
    by_hand,
    comfy,
    diffusers,
    factors_of,
    lora_at,
    merged,
    write,
    write_lora,
)
from tests.places import TINY_CHECKPOINT


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tiny_engine: Engine) -> dict[str, Path]:
    """The tiny checkpoint under each set of names."""
    written = {
        dialect: write_diffusers(tmp_path_factory.mktemp(dialect) / "weights", tiny_engine, dialect)
        for dialect in DIALECTS
        if dialect != "official"
    }
    return {"official": TINY_CHECKPOINT, **written}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("naming", NAMINGS)
def test_it_is_what_one_adds_by_hand(
    tmp_path: Path, tiny_engine: Engine, folders: dict[str, Path], naming: Naming, dialect: str
):
    path = write_lora(tmp_path / "a.safetensors", tiny_engine, naming, seed=1)
    assert_near(merged(folders[dialect], lora_at(path, 0.7)), by_hand(tiny_engine, (1, 0.7)))


def test_several_add_up(tmp_path: Path, tiny_engine: Engine):
    first = write_lora(tmp_path / "a.safetensors", tiny_engine, comfy, seed=1)
    second = write_lora(tmp_path / "b.safetensors", tiny_engine, diffusers, seed=2)
    found = merged(TINY_CHECKPOINT, lora_at(first, 0.5), lora_at(second, -1.5))
    assert_near(found, by_hand(tiny_engine, (1, 0.5), (2, -1.5)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nothing_of_one_is_nothing_to_the_bit(tmp_path: Path, tiny_engine: Engine, dtype: torch.dtype):
    path = write_lora(tmp_path / "a.safetensors", tiny_engine, comfy, seed=1)
    found, expected = merged(TINY_CHECKPOINT, lora_at(path, 0.0), dtype=dtype), merged(TINY_CHECKPOINT, dtype=dtype)
    for name, tensor in expected.items():
        assert torch.equal(found[name].view(-1).view(torch.uint8), tensor.view(-1).view(torch.uint8)), name


def test_sixteen_bits_are_rounded_once(tmp_path: Path):
    folder = copy_official(tmp_path / "weights")
    for shard in folder.glob("diffusion_pytorch_model-*.safetensors"):
        save_file({name: torch.ones_like(tensor).bfloat16() for name, tensor in load_file(shard).items()}, shard)
    name = "blocks.0.self_attn.q"
    shape = load_shape(folder, f"{name}.weight")
    # From 1 it is 2⁻⁷ to the next number of the format: less than half of that by itself is lost, twice that is not.
    small = torch.full(shape, 0.625 * 2**-8)
    paths = [write(tmp_path / f"{part}.safetensors", {f"{name}.diff": small}) for part in "ab"]
    ours = "blocks.0.self_attention.query.weight"
    one = merged(folder, lora_at(paths[0]), dtype=torch.bfloat16)[ours]
    both = merged(folder, *map(lora_at, paths), dtype=torch.bfloat16)[ours]
    assert one.dtype == both.dtype == torch.bfloat16
    assert set(one.flatten().tolist()) == {1.0}
    assert set(both.flatten().tolist()) == {1 + 2**-7}
    # The file's sixteen bits are not those of what is merged: float32 keeps all of it.
    assert set(merged(folder, lora_at(paths[0]))[ours].flatten().tolist()) == {1 + 0.625 * 2**-8}


def load_shape(folder: Path, name: str) -> torch.Size:
    shards = folder.glob("diffusion_pytorch_model-*.safetensors")
    return next(tensors[name].shape for tensors in map(load_file, shards) if name in tensors)


def test_biases_norms_and_tables_are_changed_too(tmp_path: Path, tiny_engine: Engine):
    keys = {
        "diffusion_model.blocks.1.self_attn.q.diff_b": "blocks.1.self_attention.query.bias",
        "diffusion_model.blocks.1.self_attn.norm_k.diff": "blocks.1.self_attention.key_norm.weight",
        "diffusion_model.blocks.1.norm3.diff": "blocks.1.text_norm.weight",
        "diffusion_model.blocks.1.norm3.diff_b": "blocks.1.text_norm.bias",
        "diffusion_model.blocks.1.diff_m": "blocks.1.modulation",
        "diffusion_model.head.diff_m": "head.modulation",
        "lora_unet_blocks_2.diff_m": "blocks.2.modulation",
        "transformer.blocks.3.scale_shift_table.diff": "blocks.3.modulation",
        "transformer.blocks.3.ffn.net.2.diff_b": "blocks.3.feed_forward.contract.bias",
    }
    weights = tiny_engine.transformer.state_dict()
    tensors = {key: torch.randn(weights[ours].shape) for key, ours in keys.items()}
    found = merged(TINY_CHECKPOINT, lora_at(write(tmp_path / "a.safetensors", tensors), 0.5))
    expected = dict(weights) | {ours: weights[ours] + 0.5 * tensors[key] for key, ours in keys.items()}
    assert_near(found, expected)
    assert not torch.equal(found["blocks.2.modulation"], weights["blocks.2.modulation"])


def test_the_bias_of_a_factor_has_its_strength(tmp_path: Path, tiny_engine: Engine):
    module = "blocks.0.self_attention.query"
    down, up = factors_of(tiny_engine, 1)[module]
    tensors = comfy(tiny_engine, module, down, up)
    bias = torch.randn(up.shape[0])
    tensors |= {"diffusion_model.blocks.0.self_attn.q.lora_up.bias": bias}
    found = merged(TINY_CHECKPOINT, lora_at(write(tmp_path / "a.safetensors", tensors), 0.5))
    before = tiny_engine.transformer.state_dict()[f"{module}.bias"]
    torch.testing.assert_close(found[f"{module}.bias"], before + 0.5 * 2 * bias)


def test_alpha_in_the_header_counts(tmp_path: Path, tiny_engine: Engine):
    tensors: Tensors = {}
    for module, (down, up) in factors_of(tiny_engine, 1).items():
        tensors |= diffusers(tiny_engine, module, down * (4 if module == "head.project" else 1 / 2), up)
    settings = {
        "transformer.r": RANK,
        "transformer.lora_alpha": 2 * RANK,
        "transformer.alpha_pattern": {"proj_out": RANK / 4},
    }
    path = write(tmp_path / "a.safetensors", tensors, {"lora_adapter_metadata": json.dumps(settings)})
    assert_near(merged(TINY_CHECKPOINT, lora_at(path)), by_hand(tiny_engine, (1, 1.0)))


def test_layers_for_encoded_pictures_are_left_out_and_counted(tmp_path: Path, tiny_engine: Engine):
    path = write_lora(tmp_path / "a.safetensors", tiny_engine, comfy, seed=1)
    pictures = {
        "diffusion_model.blocks.0.cross_attn.k_img.lora_down.weight": torch.randn(RANK, 8),
        "diffusion_model.blocks.0.cross_attn.norm_k_img.diff": torch.randn(8),
        "diffusion_model.img_emb.proj.1.diff_b": torch.randn(8),
        "transformer.blocks.0.attn2.add_v_proj.lora_A.weight": torch.randn(RANK, 8),
        "transformer.condition_embedder.image_embedder.ff.net.2.lora_A.weight": torch.randn(RANK, 8),
        "lora_unet_blocks_0_cross_attn_v_img.alpha": torch.tensor(1.0),
    }
    lora = lora_at(write(path, load_file(path) | pictures))
    assert lora.left_out == len(pictures)
    assert_near(merged(TINY_CHECKPOINT, lora), by_hand(tiny_engine, (1, 1.0)))
    only = lora_at(write(tmp_path / "b.safetensors", pictures))
    with pytest.raises(InputError, match="it changes nothing in this model"):
        merged(TINY_CHECKPOINT, only)


def test_a_file_that_changed_since_it_was_checked_is_refused(tmp_path: Path, tiny_engine: Engine):
    path = write_lora(tmp_path / "a.safetensors", tiny_engine, comfy, seed=1)
    engine = Engine(replace(tiny_engine.settings, loras=(lora_at(path),)), lambda *_: None, UNSHARDED)
    changes = engine._changes()
    write(path, {"other": torch.zeros(1)})
    engine._changes = lambda: changes
    with pytest.raises(InputError, match="cannot be read"):
        _ = engine.transformer


def test_no_two_layers_share_a_name(tiny_engine: Engine):
    ours = tiny_engine.transformer.state_dict()
    layers = tiny_engine.transformer_config.audio_injection_layers
    names = module_names(ours, layers)
    for dialect in DIALECTS:
        published = TransformerNames(dialect, layers)
        assert {stem: names[published.published(stem)] for stem in set(names.values())} == {
            stem: stem for stem in set(names.values())
        }
        assert published.ours(map(published.published, ours)) == {published.published(name): name for name in ours}
