"""What is exported is what the runner loads."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import UMT5Config, UMT5EncoderModel, Wav2Vec2Config, Wav2Vec2Model

from demo.training import export
from demo.training.export import Parts, export_checkpoint
from s2v_runner.checkpoint.tokenizer import PADDING_TOKEN
from s2v_runner.cli import main
from s2v_runner.engine import Engine
from s2v_runner.errors import InputError
from s2v_runner.plan import WAV2VEC2_CONVOLUTIONS
from s2v_runner.transformer import TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from tests.conftest import CPU, make_engine

SIZES = TransformerConfig(
    model_dim=32,
    feed_forward_dim=48,
    num_heads=2,
    num_layers=3,
    frequency_dim=16,
    latent_channels=16,
    pose_channels=16,
    text_dim=24,
    text_length=12,
    audio_dim=16,
    num_audio_layers=3,
    num_audio_tokens=4,
    audio_injection_layers=(0, 2),
    norm_epsilon=1e-6,
)
EXTRACTOR = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True, "sampling_rate": 16000}


def make_text_encoder(**changes: Any) -> UMT5EncoderModel:
    sizes = {"vocab_size": 258, "d_model": SIZES.text_dim, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 4}
    settings = {"feed_forward_proj": "gated-gelu", "is_encoder_decoder": False, **changes}
    return UMT5EncoderModel(UMT5Config(**sizes, **settings))


def make_audio_encoder() -> Wav2Vec2Model:
    kernels, strides = zip(*WAV2VEC2_CONVOLUTIONS, strict=True)
    config = Wav2Vec2Config(
        hidden_size=SIZES.audio_dim,
        num_hidden_layers=SIZES.num_audio_layers - 1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8,) * len(kernels),
        conv_kernel=kernels,
        conv_stride=strides,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
    )
    return Wav2Vec2Model(config)


def make_tokenizer() -> Tokenizer:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate([PADDING_TOKEN, *alphabet])}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


@pytest.fixture(scope="module")
def parts() -> Parts:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Parts(
            transformer=random_transformer(SIZES, plain_backend("sdpa"), CPU, torch.float32, seed=1),
            vae=AutoencoderKLWan(base_dim=4),
            text_encoder=make_text_encoder(),
            tokenizer=make_tokenizer(),
            audio_encoder=make_audio_encoder(),
            extractor=EXTRACTOR,
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, parts: Parts) -> Path:
    folder = tmp_path_factory.mktemp("export") / "weights"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_LARGEST_SHARD", 300_000)
        export_checkpoint(folder, parts)
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    return make_engine(folder)


def check_same(loaded: nn.Module, given: nn.Module, stored: torch.dtype) -> None:
    """That it holds what was given, as the file can hold it, in float32."""
    ours = given.state_dict()
    tensors = loaded.state_dict()
    assert tensors.keys() <= ours.keys()
    assert ours.keys() - tensors.keys() <= {"masked_spec_embed"}
    for name, tensor in tensors.items():
        assert tensor.dtype == torch.float32, name
        assert torch.equal(tensor, ours[name].to(stored).float()), name


def test_every_part_is_loaded_as_it_was_given(engine: Engine, parts: Parts):
    engine.check()
    assert engine.transformer_config == SIZES
    check_same(engine.transformer, parts.transformer, torch.bfloat16)
    check_same(engine.vae, parts.vae, torch.bfloat16)
    check_same(engine.text_encoder, parts.text_encoder, torch.bfloat16)
    check_same(engine.audio_encoder, parts.audio_encoder, torch.float16)
    assert engine.tokenizer.encode("Hi").ids[:3] == [*parts.tokenizer.encode("Hi").ids, 0]
    assert engine.extractor.sampling_rate == 16000


def test_the_layout_is_the_official_one_and_sound(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", "--deep", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "official layout" in said
    assert said.rstrip().endswith("sound")


def test_shards_are_no_larger_than_they_may_be_and_the_index_names_them(folder: Path, parts: Parts):
    shards = sorted(folder.glob("diffusion_pytorch_model-*.safetensors"))
    assert len(shards) > 1
    assert all(path.stat().st_size <= 300_000 for path in shards)
    assert shards[0].name == f"diffusion_pytorch_model-00001-of-{len(shards):05}.safetensors"
    index = json.loads((folder / "diffusion_pytorch_model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {path.name for path in shards}
    assert index["metadata"]["total_size"] == 2 * sum(tensor.numel() for tensor in parts.transformer.parameters())


def test_the_same_parts_make_the_same_bytes(
    folder: Path, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(export, "_LARGEST_SHARD", 300_000)
    export_checkpoint(tmp_path / "again", parts)
    files = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = tmp_path / "again"
    assert {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()} == files


def test_nothing_is_overwritten_and_nothing_left_half(folder: Path, parts: Parts, tmp_path: Path):
    with pytest.raises(InputError, match="it is there already"):
        export_checkpoint(folder, parts)
    huge = make_audio_encoder()
    with torch.no_grad():
        huge.feature_projection.projection.weight[0, 0] = 1e6
    with pytest.raises(InputError, match=r"'feature_projection\.projection\.weight' holds values"):
        export_checkpoint(tmp_path / "weights", dataclasses.replace(parts, audio_encoder=huge))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "others",
    [
        lambda: {"vae": AutoencoderKLWan(base_dim=4, latents_mean=[0.0] * 16)},
        lambda: {"text_encoder": make_text_encoder(relative_attention_max_distance=64)},
    ],
    ids=["another scale of the latents", "another reach of positions"],
)
def test_what_the_files_could_not_tell_is_not_written(parts: Parts, tmp_path: Path, others):
    with pytest.raises(AssertionError):
        export_checkpoint(tmp_path / "weights", dataclasses.replace(parts, **others()))
    assert list(tmp_path.iterdir()) == []
