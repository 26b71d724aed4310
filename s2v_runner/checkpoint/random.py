"""A tiny checkpoint of random weights, whole and in the Diffusers layout: the weights of `model=random`.

It is loaded by the same code as any other. What it makes is no face.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import UMT5Config, UMT5EncoderModel, Wav2Vec2Config, Wav2Vec2Model

from s2v_runner.checkpoint.names import TransformerNames
from s2v_runner.checkpoint.sizes import RANDOM_MODEL
from s2v_runner.checkpoint.tokenizer import PADDING_TOKEN
from s2v_runner.errors import OutputError
from s2v_runner.plan import SPEECH_RATE, WAV2VEC2_CONVOLUTIONS
from s2v_runner.replacement import guarded_by, unfinished_path
from s2v_runner.transformer import TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer

_SIZES = TransformerConfig(
    model_dim=RANDOM_MODEL.model_dim,
    feed_forward_dim=RANDOM_MODEL.feed_forward_dim,
    num_heads=4,
    num_layers=RANDOM_MODEL.num_layers,
    frequency_dim=64,
    latent_channels=16,
    pose_channels=16,
    text_dim=64,
    text_length=RANDOM_MODEL.text_length,
    audio_dim=32,
    num_audio_layers=5,
    num_audio_tokens=4,
    audio_injection_layers=(0, 2),
    norm_epsilon=1e-6,
)
_VAE_BASE_DIM = 8
_END_TOKEN = "</s>"


def write_random_checkpoint(folder: Path, seed: int) -> None:
    """Make the checkpoint of this seed, unless it is there. Whole or not at all. Raises OutputError."""
    unfinished = unfinished_path(folder)
    guard = folder.with_name(f".{folder.name}.lock")
    if folder.is_dir() and not guard.exists():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with guarded_by(guard):
            # What a killed process left.
            shutil.rmtree(unfinished, ignore_errors=True)
            # Another process may have been first.
            if not folder.is_dir():
                _write_whole(folder, unfinished, seed)
    except OSError as error:
        raise OutputError(folder, error) from error


def _write_whole(folder: Path, unfinished: Path, seed: int) -> None:
    try:
        unfinished.mkdir()
        _write_parts(unfinished, seed)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_parts(folder: Path, seed: int) -> None:
    cpu = torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backend = plain_backend("sdpa")
        transformer = random_transformer(_SIZES, backend, cpu, torch.float32, seed)
        names = TransformerNames("official", _SIZES.audio_injection_layers)
        state = {names.published(name): tensor for name, tensor in transformer.state_dict().items()}
        _write(folder / "transformer", "diffusion_pytorch_model", state, _transformer_config())
        vae = AutoencoderKLWan(base_dim=_VAE_BASE_DIM)
        # Its configuration is told by its tensors; Diffusers would list what it left at default in random order.
        _write(folder / "vae", "diffusion_pytorch_model", vae.state_dict(), {})
        text = UMT5EncoderModel(_text_config())
        state = {name: tensor for name, tensor in text.state_dict().items() if name != "encoder.embed_tokens.weight"}
        _write(folder / "text_encoder", "model", state, text.config.to_dict())
        speech = Wav2Vec2Model(_speech_config())
        _write(folder / "audio_encoder", "model", speech.state_dict(), speech.config.to_dict())
    extractor = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True}
    extractor |= {"sampling_rate": SPEECH_RATE, "return_attention_mask": True}
    (folder / "audio_encoder" / "preprocessor_config.json").write_text(json.dumps(extractor))
    (folder / "tokenizer").mkdir()
    _byte_tokenizer().save(str(folder / "tokenizer" / "tokenizer.json"))


def _write(folder: Path, stem: str, state: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    folder.mkdir()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / f"{stem}.safetensors")
    (folder / "config.json").write_text(json.dumps(config, default=str))


def _transformer_config() -> dict[str, Any]:
    return {
        "model_type": "s2v",
        "dim": _SIZES.model_dim,
        "ffn_dim": _SIZES.feed_forward_dim,
        "num_heads": _SIZES.num_heads,
        "num_layers": _SIZES.num_layers,
        "text_len": _SIZES.text_length,
        "audio_inject_layers": list(_SIZES.audio_injection_layers),
        "eps": _SIZES.norm_epsilon,
    }


def _text_config() -> UMT5Config:
    return UMT5Config(
        vocab_size=_byte_tokenizer().get_vocab_size(),
        d_model=_SIZES.text_dim,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )


def _speech_config() -> Wav2Vec2Config:
    kernels, strides = zip(*WAV2VEC2_CONVOLUTIONS, strict=True)
    return Wav2Vec2Config(
        hidden_size=_SIZES.audio_dim,
        num_hidden_layers=_SIZES.num_audio_layers - 1,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(32,) * len(kernels),
        conv_kernel=kernels,
        conv_stride=strides,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
        mask_time_prob=0.0,
        mask_feature_prob=0.0,
    )


def _byte_tokenizer() -> Tokenizer:
    """A token for each byte, so that any text in any script has one."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([PADDING_TOKEN, _END_TOKEN, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    end = (_END_TOKEN, vocabulary[_END_TOKEN])
    tokenizer.post_processor = processors.TemplateProcessing(single=f"$A {_END_TOKEN}", special_tokens=[end])
    return tokenizer
