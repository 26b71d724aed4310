"""The tiny checkpoint in other dress: the Diffusers layout, other names, other file formats."""

import dataclasses
import json
import shutil
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import load_file, save_file

from benchmarks.models import TINY
from s2v_runner.checkpoint.names import TransformerNames, recognise_dialect
from s2v_runner.engine import Engine
from s2v_runner.transformer import plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from tests.conftest import CPU, TINY_CHECKPOINT

WAV2VEC2 = "wav2vec2-large-xlsr-53-english"


def copy_official(folder: Path) -> Path:
    shutil.copytree(TINY_CHECKPOINT, folder)
    return folder


def write_larger(folder: Path) -> Path:
    """The official layout with a transformer of 200 MB, which memory can be measured by."""
    config = dataclasses.replace(
        TINY,
        model_dim=512,
        feed_forward_dim=2048,
        num_layers=12,
        text_dim=32,
        text_length=24,
        audio_injection_layers=(0, 2, 3),
    )
    transformer = random_transformer(config, plain_backend("sdpa"), CPU, torch.float32, seed=0)
    names = TransformerNames("official", config.audio_injection_layers)
    for shard in folder.glob("diffusion_pytorch_model*"):
        shard.unlink()
    tensors = {names.published(name): tensor for name, tensor in transformer.state_dict().items()}
    save_file(tensors, folder / "diffusion_pytorch_model.safetensors")
    stated = json.loads((folder / "config.json").read_text())
    sizes = {"dim": 512, "ffn_dim": 2048, "num_layers": 12}
    (folder / "config.json").write_text(json.dumps({**stated, **sizes}))
    return folder


def write_diffusers(folder: Path, engine: Engine, dialect: str) -> Path:
    """The Diffusers layout, as its converter writes it; `official` is FastVideo's, which keeps the names."""
    vae = AutoencoderKLWan(base_dim=engine.vae.config.base_dim)
    vae.load_state_dict(engine.vae.state_dict())
    vae.save_pretrained(folder / "vae")
    engine.text_encoder.save_pretrained(folder / "text_encoder")
    shutil.copytree(TINY_CHECKPOINT / "google" / "umt5-xxl", folder / "tokenizer")
    shutil.copytree(TINY_CHECKPOINT / WAV2VEC2, folder / "audio_encoder")
    extractor = folder / "audio_encoder" / "preprocessor_config.json"
    if dialect != "official":
        (folder / "audio_processor").mkdir()
        extractor.rename(folder / "audio_processor" / extractor.name)
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text('{"_class_name": "UniPCMultistepScheduler"}')

    official = read_official_transformer()
    config = json.loads((TINY_CHECKPOINT / "config.json").read_text())
    layers = tuple(config["audio_inject_layers"])
    theirs, wanted = (TransformerNames(name, layers) for name in (recognise_dialect(official) or "", dialect))
    ours = engine.transformer.state_dict()
    tensors = {wanted.published(name): official[theirs.published(name)] for name in ours}
    (folder / "transformer").mkdir()
    save_file(tensors, folder / "transformer" / "diffusion_pytorch_model.safetensors")
    if dialect != "official":
        heads = config["num_heads"]
        config = {
            "_class_name": "WanS2VTransformer3DModel",
            "num_attention_heads": heads,
            "attention_head_dim": config["dim"] // heads,
            "in_channels": config["in_dim"],
            "out_channels": config["out_dim"],
            "pose_dim": config["cond_dim"],
            "qk_norm": "rms_norm_across_heads",
            **{
                key: config[key]
                for key in (
                    "num_layers",
                    "ffn_dim",
                    "freq_dim",
                    "text_dim",
                    "text_len",
                    "audio_dim",
                    "audio_inject_layers",
                    "eps",
                    "enable_adain",
                    "adain_mode",
                    "enable_framepack",
                    "framepack_drop_mode",
                    "add_last_motion",
                    "zero_timestep",
                )
            },
        }
    (folder / "transformer" / "config.json").write_text(json.dumps(config))
    return folder


def read_official_transformer() -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for shard in sorted(TINY_CHECKPOINT.glob("diffusion_pytorch_model-*.safetensors")):
        tensors.update(load_file(shard))
    return tensors


def rewrite_shard(path: Path, change) -> None:
    """Let `change` alter the table of a safetensors file."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
