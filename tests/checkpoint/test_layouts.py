"""Every published form of the same model loads to the same model."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from s2v_runner.checkpoint.names import DIALECTS
from s2v_runner.engine import Engine
from tests.checkpoint.folders import WAV2VEC2, copy_official, write_diffusers
from tests.conftest import make_engine

PARTS = ("transformer", "vae", "text_encoder", "audio_encoder")


def assert_same_parts(engine: Engine, other: Engine, parts: tuple[str, ...] = PARTS) -> None:
    for part in parts:
        ours, theirs = getattr(engine, part).state_dict(), getattr(other, part).state_dict()
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert torch.equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_diffusers_layout(tiny_engine: Engine, tmp_path: Path, dialect: str):
    engine = make_engine(write_diffusers(tmp_path / "weights", tiny_engine, dialect))
    assert engine.settings.folder.layout == "diffusers"
    engine.check()
    assert_same_parts(engine, tiny_engine)
    assert engine.transformer_config == tiny_engine.transformer_config
    assert engine.extractor.to_dict() == tiny_engine.extractor.to_dict()
    assert engine.tokenizer.to_str() == tiny_engine.tokenizer.to_str()


def test_an_extractor_in_a_processors_file(tiny_engine: Engine, tmp_path: Path):
    folder = write_diffusers(tmp_path / "weights", tiny_engine, "diffusers")
    alone = folder / "audio_processor" / "preprocessor_config.json"
    nested = {"processor_class": "Wav2Vec2Processor", "feature_extractor": json.loads(alone.read_text())}
    alone.with_name("processor_config.json").write_text(json.dumps(nested))
    alone.unlink()
    engine = make_engine(folder)
    engine.check()
    assert engine.extractor.to_dict() == tiny_engine.extractor.to_dict()


@pytest.mark.parametrize("old_weight_norm", [False, True], ids=["parametrizations", "weight_g"])
@pytest.mark.parametrize("prefix", ["wav2vec2.", ""], ids=["recogniser", "encoder"])
@pytest.mark.parametrize("suffix", [".safetensors", ".bin"])
def test_the_speech_encoder_in_every_form(
    tiny_engine: Engine, tmp_path: Path, old_weight_norm: bool, prefix: str, suffix: str
):
    folder = copy_official(tmp_path / "weights") / WAV2VEC2
    tensors = load_file(folder / "model.safetensors")
    renamed = {}
    for name, tensor in tensors.items():
        if old_weight_norm:
            name = name.replace("parametrizations.weight.original0", "weight_g")
            name = name.replace("parametrizations.weight.original1", "weight_v")
        renamed[name.replace("wav2vec2.", prefix)] = tensor
    renamed[f"{prefix}masked_spec_embed"] = torch.zeros(32)
    (folder / "model.safetensors").unlink()
    if suffix == ".bin":
        torch.save(renamed, folder / "pytorch_model.bin")
    else:
        save_file(renamed, folder / "model.safetensors")
    engine = make_engine(folder.parent)
    engine.check()
    assert_same_parts(engine, tiny_engine, ("audio_encoder",))


def test_a_pickled_file_from_before_archives(tiny_engine: Engine, tmp_path: Path):
    folder = copy_official(tmp_path / "weights")
    path = folder / "Wan2.1_VAE.pth"
    tensors = torch.load(path, weights_only=True)
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    assert_same_parts(make_engine(folder), tiny_engine, ("vae",))


def test_a_text_encoder_that_holds_its_embedding_twice(tiny_engine: Engine, tmp_path: Path):
    folder = write_diffusers(tmp_path / "converted", tiny_engine, "diffusers")
    path = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(path)
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"].clone()
    save_file(tensors, path)
    engine = make_engine(folder)
    engine.check()
    assert_same_parts(engine, tiny_engine, ("text_encoder",))
