"""What is wrong with a checkpoint is found before anything is loaded, and named."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.report import print_report
from s2v_runner.errors import InputError
from tests.checkpoint.folders import WAV2VEC2, copy_official, rewrite_shard
from tests.conftest import make_engine

SHARD = "diffusion_pytorch_model-00001-of-00004.safetensors"
TOKENIZER = "google/umt5-xxl/tokenizer.json"
EXTRACTOR = f"{WAV2VEC2}/preprocessor_config.json"
INDEX = "diffusion_pytorch_model.safetensors.index.json"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def edit_config(path: Path, **changes: object) -> None:
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, **changes}))


def reshape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["blocks.1.ffn.2.bias"] = torch.zeros(3)


def rename(tensors: dict[str, torch.Tensor]) -> None:
    tensors["blocks.1.ffn.2.biass"] = tensors.pop("blocks.1.ffn.2.bias")


def drop_from_index(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"] = {name: file for name, file in index["weight_map"].items() if file != SHARD}
    (folder / INDEX).write_text(json.dumps(index))


def quantise(tensors: dict[str, torch.Tensor]) -> None:
    tensors["blocks.1.ffn.2.weight"] = tensors["blocks.1.ffn.2.weight"].to(torch.int8)


def write_header(path: Path, header: object) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


def shrink_speech_encoder(folder: Path) -> None:
    """A whole and sound speech encoder, of fewer layers than the transformer listens to."""
    edit_config(folder / WAV2VEC2 / "config.json", num_hidden_layers=12)
    path = folder / WAV2VEC2 / "model.safetensors"
    kept = (f"encoder.layers.{layer}." for layer in range(12, 24))
    drop = tuple(f"wav2vec2.{prefix}" for prefix in kept)
    tensors = {name: tensor for name, tensor in load_file(path).items() if not name.startswith(drop)}
    save_file(tensors, path)


def widen_text_encoder(folder: Path) -> None:
    path = folder / "models_t5_umt5-xxl-enc-bf16.pth"
    vocabulary = torch.load(path, weights_only=True)
    vocabulary["token_embedding.weight"] = vocabulary["token_embedding.weight"][:100]
    torch.save(vocabulary, path)


DAMAGES: list[tuple[str, Callable[[Path], object], list[str]]] = [
    ("missing shard", lambda f: (f / SHARD).unlink(), [f"missing {SHARD}"]),
    ("truncated shard", lambda f: cut(f / SHARD), [f"damaged {SHARD}", "promises", "bytes"]),
    ("shard without header", lambda f: (f / SHARD).write_bytes(b"abc"), [f"damaged {SHARD}", "too few"]),
    ("shard of something else", lambda f: (f / SHARD).write_bytes(b"x" * 5000), [f"damaged {SHARD}", "claims"]),
    ("wrong shape", lambda f: rewrite_shard(f / SHARD, reshape), ["blocks.1.ffn.2.bias", "[3]", "[80]"]),
    ("wrong name", lambda f: rewrite_shard(f / SHARD, rename), ["missing", "'blocks.1.ffn.2.bias'", "unexpected"]),
    ("unindexed shard", drop_from_index, ["patch_embedding.weight", "missing"]),
    ("no config", lambda f: (f / "config.json").unlink(), ["missing config.json"]),
    ("config that is no JSON", lambda f: (f / "config.json").write_text("{"), ["config.json", "JSON"]),
    ("another architecture", lambda f: edit_config(f / "config.json", enable_adain=False), ["enable_adain=False"]),
    ("contradiction", lambda f: edit_config(f / "config.json", dim=96), ["dim=96", "the tensors say 80"]),
    ("heads that do not divide", lambda f: edit_config(f / "config.json", num_heads=3), ["3 heads", "80"]),
    (
        "injection past the end",
        lambda f: edit_config(f / "config.json", audio_inject_layers=[0, 2, 9]),
        ["audio_inject_layers", "4 blocks"],
    ),
    ("truncated autoencoder", lambda f: cut(f / "Wan2.1_VAE.pth"), ["damaged Wan2.1_VAE.pth"]),
    (
        "autoencoder of something else",
        lambda f: torch.save({"a": torch.zeros(2)}, f / "Wan2.1_VAE.pth"),
        ["damaged Wan2.1_VAE.pth", "encoder.conv_in.weight"],
    ),
    (
        "pickle of code",
        lambda f: torch.save({"a": Path()}, f / "Wan2.1_VAE.pth"),
        ["damaged Wan2.1_VAE.pth", "no table of tensors"],
    ),
    (
        "text encoder of something else",
        lambda f: torch.save({"a": torch.zeros(2)}, f / "models_t5_umt5-xxl-enc-bf16.pth"),
        ["models_t5_umt5-xxl-enc-bf16.pth", "no UMT5 encoder"],
    ),
    ("quantised weights", lambda f: rewrite_shard(f / SHARD, quantise), [SHARD, "blocks.1.ffn.2.weight", "I8"]),
    ("header that is a list", lambda f: write_header(f / SHARD, []), [f"damaged {SHARD}"]),
    ("header without offsets", lambda f: write_header(f / SHARD, {"a": {"dtype": "F32"}}), [f"damaged {SHARD}"]),
    ("page instead of a file", lambda f: (f / "Wan2.1_VAE.pth").write_text("<html>"), ["damaged Wan2.1_VAE.pth"]),
    ("text instead of a file", lambda f: (f / "Wan2.1_VAE.pth").write_text("hello\n"), ["damaged Wan2.1_VAE.pth"]),
    ("no heads", lambda f: edit_config(f / "config.json", num_heads=0), ["num_heads=0"]),
    ("heads as text", lambda f: edit_config(f / "config.json", num_heads="4"), ["num_heads='4'"]),
    ("epsilon as text", lambda f: edit_config(f / "config.json", eps="1e-6"), ["eps='1e-6'"]),
    ("no injections", lambda f: edit_config(f / "config.json", audio_inject_layers=None), ["audio_inject_layers=None"]),
    ("windowed attention", lambda f: edit_config(f / "config.json", window_size=[3, 3]), ["window_size=[3, 3]"]),
    ("no norm of queries", lambda f: edit_config(f / "config.json", qk_norm=False), ["qk_norm=False"]),
    (
        "nonsense in the speech encoder's config",
        lambda f: edit_config(f / WAV2VEC2 / "config.json", hidden_act="nonsense"),
        [f"damaged {WAV2VEC2}/config.json", "nonsense"],
    ),
    ("tokenizer of nothing", lambda f: (f / TOKENIZER).write_text('{"model": 1}'), [f"damaged {TOKENIZER}"]),
    (
        "tokenizer without padding",
        lambda f: (f / TOKENIZER).write_text((f / TOKENIZER).read_text().replace("<pad>", "<other>")),
        [f"damaged {TOKENIZER}", "'<pad>'"],
    ),
    ("broken extractor", lambda f: (f / EXTRACTOR).write_text("{"), [f"damaged {EXTRACTOR}"]),
    (
        "extractor of another rate",
        lambda f: edit_config(f / EXTRACTOR, sampling_rate=8000),
        [f"damaged {EXTRACTOR}", "8000 Hz"],
    ),
    ("speech encoder of another size", shrink_speech_encoder, ["num_audio_layers is 13", "transformer's 25"]),
    ("tokenizer of another vocabulary", widen_text_encoder, ["147 tokens", "text encoder 100"]),
    ("no tokenizer", lambda f: (f / "google/umt5-xxl/tokenizer.json").unlink(), ["missing google/umt5-xxl"]),
    ("broken tokenizer", lambda f: (f / "google/umt5-xxl/tokenizer.json").write_text("[]"), ["tokenizer.json"]),
    ("no extractor", lambda f: (f / WAV2VEC2 / "preprocessor_config.json").unlink(), ["preprocessor_config.json"]),
    (
        "speech encoder of another kind",
        lambda f: edit_config(f / WAV2VEC2 / "config.json", model_type="hubert"),
        ["model_type='hubert'"],
    ),
    (
        "speech encoder of another rate",
        lambda f: edit_config(f / WAV2VEC2 / "config.json", conv_stride=[5, 2, 2, 2, 2, 2, 4]),
        ["convolutions"],
    ),
]


@pytest.mark.parametrize(("damage", "words"), [row[1:] for row in DAMAGES], ids=[row[0] for row in DAMAGES])
def test_each_damage_is_found_and_named(tmp_path: Path, damage: Callable[[Path], object], words: list[str]):
    folder = copy_official(tmp_path / "weights")
    damage(folder)
    with pytest.raises(InputError) as caught:
        make_engine(folder).check()
    message = str(caught.value)
    for word in [*words, str(folder), "Fetch"]:
        assert word in message


def test_a_stray_shard_is_shown_and_disturbs_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = copy_official(tmp_path / "weights")
    (folder / "diffusion_pytorch_model-00005-of-00004.safetensors").write_bytes(b"left over")
    make_engine(folder).check()
    assert print_report(locate_checkpoint(folder), (), deep=False)
    assert "unexpected diffusion_pytorch_model-00005-of-00004.safetensors" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["{}", "[]", "no", '{"weight_map": {"a": 3}}'])
def test_an_index_that_is_none(tmp_path: Path, content: str):
    folder = copy_official(tmp_path / "weights")
    (folder / INDEX).write_text(content)
    with pytest.raises(InputError, match="Fetch the file again"):
        make_engine(folder)


def test_a_folder_of_no_known_layout(tmp_path: Path):
    with pytest.raises(InputError, match=r"no known layout.*transformer/"):
        make_engine(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        make_engine(tmp_path / "absent")
