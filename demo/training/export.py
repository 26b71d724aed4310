"""Trained modules → a checkpoint in the official layout, as the runner loads it and as Wan2.2-S2V-14B is published.

The same modules make the same bytes with the same versions of the libraries.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import UMT5EncoderModel, Wav2Vec2Model

from s2v_runner.autoencoder import AutoencoderConfig
from s2v_runner.checkpoint.inspection import inspect_checkpoint, require_sound
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.names import TransformerNames
from s2v_runner.checkpoint.text_encoder import official_text_name
from s2v_runner.checkpoint.vae import official_vae_names
from s2v_runner.errors import InputError, OutputError
from s2v_runner.replacement import unfinished_path
from s2v_runner.transformer import S2VTransformer, TransformerConfig, plain_backend

State = dict[str, torch.Tensor]

TEXT_ENCODER = "models_t5_umt5-xxl-enc-bf16.pth"
VAE = "Wan2.1_VAE.pth"
TOKENIZER = Path("google", "umt5-xxl", "tokenizer.json")
AUDIO_ENCODER = Path("wav2vec2-large-xlsr-53-english")
_TRANSFORMER = "diffusion_pytorch_model"

_LARGEST_SHARD = 14_000_000
# What safetensors' header takes for a tensor, at most.
_HEADER_ENTRY = 256
_DTYPE = torch.bfloat16
# Its weights are small, and three more bits of them are kept so.
_AUDIO_DTYPE = torch.float16
# Transformers ties the encoder's own embedding to the shared one.
_TIED = "encoder.embed_tokens.weight"
# What no tensor of the text encoder tells, and the loader takes to be as in the released model.
_UNTOLD = ("d_kv", "num_heads", "relative_attention_max_distance", "layer_norm_epsilon", "feed_forward_proj")


@dataclass(frozen=True)
class Parts:
    """What a checkpoint is made of."""

    transformer: S2VTransformer
    vae: AutoencoderKLWan
    text_encoder: UMT5EncoderModel
    tokenizer: Tokenizer
    audio_encoder: Wav2Vec2Model
    extractor: Mapping[str, Any]
    """The settings of the feature extractor: what goes into preprocessor_config.json."""


def export_checkpoint(folder: Path, parts: Parts) -> None:
    """Write the checkpoint, whole or not at all, and look whether it can be loaded.

    Raises InputError when the folder is there already or a weight is not finite, and OutputError.
    """
    if folder.exists():
        raise InputError(f"checkpoint folder '{folder}'", "it is there already", "Take it away, or give another")
    unfinished = unfinished_path(folder)
    try:
        # What a killed process left.
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _write_parts(unfinished, parts)
        _check(unfinished, parts)
        unfinished.rename(folder)
    except OSError as error:
        raise OutputError(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_parts(folder: Path, parts: Parts) -> None:
    _write_transformer(folder, parts.transformer)
    torch.save(_stored(parts.vae, official_vae_names(parts.vae.state_dict()), _DTYPE), folder / VAE)
    names = {name: official_text_name(name) for name in parts.text_encoder.state_dict() if name != _TIED}
    torch.save(_stored(parts.text_encoder, names, _DTYPE), folder / TEXT_ENCODER)
    (folder / TOKENIZER).parent.mkdir(parents=True)
    parts.tokenizer.save(str(folder / TOKENIZER))
    _write_audio_encoder(folder / AUDIO_ENCODER, parts)


def _write_transformer(folder: Path, transformer: S2VTransformer) -> None:
    table = TransformerNames("official", transformer.config.audio_injection_layers)
    state = _stored(transformer, {name: table.published(name) for name in transformer.state_dict()}, _DTYPE)
    shards = list(_shards(state))
    homes: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        file = f"{_TRANSFORMER}-{number:05}-of-{len(shards):05}.safetensors"
        _write_tensors(folder / file, shard)
        homes |= dict.fromkeys(shard, file)
    size = sum(tensor.nbytes for tensor in state.values())
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(homes.items()))}
    _write_json(folder / f"{_TRANSFORMER}.safetensors.index.json", index)
    _write_json(folder / "config.json", _transformer_config(transformer.config))


def _write_audio_encoder(folder: Path, parts: Parts) -> None:
    encoder = parts.audio_encoder
    folder.mkdir()
    state = _stored(encoder, {name: name for name in encoder.state_dict()}, _AUDIO_DTYPE)
    _write_tensors(folder / "model.safetensors", state)
    dtype = str(_AUDIO_DTYPE).removeprefix("torch.")
    _write_json(folder / "config.json", {**encoder.config.to_dict(), "dtype": dtype})
    _write_json(folder / "preprocessor_config.json", parts.extractor)


def _write_tensors(path: Path, state: State) -> None:
    save_file(state, path, metadata={"format": "pt"})
    # The library lets nobody else read it.
    path.chmod(0o644)


def _stored(module: torch.nn.Module, names: Mapping[str, str], dtype: torch.dtype) -> State:
    """The tensors as they are written, under these names for ours. Raises InputError when one is not finite."""
    state = module.state_dict()
    # Not views of each other, so that a file holds each once.
    stored = {name: state[ours].detach().to("cpu", dtype, copy=True).contiguous() for ours, name in names.items()}
    assert len(stored) == len(names)
    broken = [name for name, tensor in stored.items() if not tensor.isfinite().all()]
    if broken:
        raise InputError(
            f"{type(module).__name__} weights",
            f"'{broken[0]}' holds values that {dtype} cannot hold",
            "Look at its training",
        )
    return stored


def _shards(state: State) -> Iterator[State]:
    """The tensors in their order, in as many tables as keep each file small."""
    shard: State = {}
    room = _LARGEST_SHARD
    for name, tensor in state.items():
        size = tensor.nbytes + _HEADER_ENTRY
        assert size <= _LARGEST_SHARD, name
        if size > room:
            yield shard
            shard, room = {}, _LARGEST_SHARD
        shard[name] = tensor
        room -= size
    yield shard


def _transformer_config(sizes: TransformerConfig) -> dict[str, Any]:
    """In the original's words: `WanModel_S2V` of `wan/modules/s2v/model_s2v.py` takes these."""
    return {
        "_class_name": "WanModel_S2V",
        "model_type": "s2v",
        "dim": sizes.model_dim,
        "ffn_dim": sizes.feed_forward_dim,
        "num_heads": sizes.num_heads,
        "num_layers": sizes.num_layers,
        "freq_dim": sizes.frequency_dim,
        "in_dim": sizes.latent_channels,
        "out_dim": sizes.latent_channels,
        "cond_dim": sizes.pose_channels,
        "text_dim": sizes.text_dim,
        "text_len": sizes.text_length,
        "audio_dim": sizes.audio_dim,
        "num_audio_token": sizes.num_audio_tokens,
        "audio_inject_layers": list(sizes.audio_injection_layers),
        "eps": sizes.norm_epsilon,
        "enable_adain": True,
        "adain_mode": "attn_norm",
        "zero_timestep": True,
        "zero_init": True,
        "enable_framepack": True,
        "framepack_drop_mode": "padd",
        "add_last_motion": True,
        "enable_motioner": False,
        "enable_tsm": False,
        "trainable_token_pos_emb": False,
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _check(folder: Path, parts: Parts) -> None:
    """That the runner takes it for sound, and builds of it what was given."""
    checkpoint = locate_checkpoint(folder)
    inspected = inspect_checkpoint(checkpoint, plain_backend("sdpa"))
    require_sound(checkpoint, inspected)
    built: dict[str, Any] = {}
    with torch.device("meta"):
        for name, part in inspected.items():
            built[name] = part.plan.build() if part.plan is not None else None
    assert built["transformer"].config == parts.transformer.config
    # The scale of the latents is among them, which no file holds.
    assert built["vae"].config == _autoencoder_config(parts.vae)
    for key in _UNTOLD:
        assert getattr(built["text_encoder"].config, key) == getattr(parts.text_encoder.config, key), key


def _autoencoder_config(vae: AutoencoderKLWan) -> AutoencoderConfig:
    config = vae.config
    return AutoencoderConfig(
        base_dim=config["base_dim"],
        latent_channels=config["z_dim"],
        multipliers=tuple(config["dim_mult"]),
        num_residual_blocks=config["num_res_blocks"],
        halves_time=tuple(config["temperal_downsample"]),
        latents_mean=tuple(config["latents_mean"]),
        latents_deviation=tuple(config["latents_std"]),
    )
