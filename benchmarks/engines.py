"""An engine whose parts are random."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models
from transformers import UMT5Config, UMT5EncoderModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from benchmarks.autoencoders import random_vae
from benchmarks.models import Model
from benchmarks.variants import Variant
from s2v_runner.checkpoint.layout import CheckpointFolder
from s2v_runner.division import UNDIVIDED
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.estimate import Memory
from s2v_runner.placement.residence import BlocksAtHome
from s2v_runner.transformer import Backend, S2VTransformer, TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from s2v_runner.transformer.linear import put_parameter

_SEED = 0


class RandomEngine(Engine):
    """An engine whose parts are random and of the sizes that fit the transformer's."""

    def check(self) -> None:
        """There is no checkpoint to check."""


def random_engine(model: Model, device: torch.device, dtype: torch.dtype, variant: Variant, memory: Memory) -> Engine:
    """Every part loaded, each where the memory mode has it between its turns. The weights are the same every time."""
    nowhere = CheckpointFolder(Path(), "official", {})
    settings = EngineSettings(
        folder=nowhere,
        digest="",
        device=device,
        dtype=dtype,
        autoencoder_dtype=torch.float16 if device.type == "cuda" else torch.float32,
        attention=variant.attention,
        kernels=variant.kernels,
        matrices=variant.matrices,
        text_device=device,
        memory=memory,
        loras=(),
        dit_fsdp=False,
        t5_fsdp=False,
    )
    engine = RandomEngine(settings, lambda *_: None, UNDIVIDED)
    config = model.transformer
    # Made on the device, where random numbers are drawn quickly, one after the other, so that none is there for long.
    with device, torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(_SEED)
        text_encoder = _placed(_text_encoder(model), settings.text_encoder_home, dtype)
        audio_encoder = _placed(_speech_encoder(model), settings.encoder_home, torch.float32)
        vae = random_vae(model.autoencoder_width, settings.autoencoder_dtype, device)
        transformer = variant.build(random_transformer(config, plain_backend("sdpa"), device, dtype, _SEED))
    if memory in ("stream", "tiny"):
        _stream(transformer, variant.backend(device, dtype), dtype, device)
    # The engine's parts are cached properties: what is put there is what they are.
    vars(engine).update(
        transformer_config=config,
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        audio_encoder=audio_encoder,
        tokenizer=Tokenizer(models.WordLevel({"<pad>": 0, "<unk>": 1}, unk_token="<unk>")),
        extractor=Wav2Vec2FeatureExtractor(do_normalize=True),
    )
    return engine


def _stream(transformer: S2VTransformer, backend: Backend, dtype: torch.dtype, device: torch.device) -> None:
    """Move the blocks of a loaded transformer to main memory."""
    blocks = BlocksAtHome(transformer.config, backend, dtype, device)
    for name, parameter in list(transformer.named_parameters()):
        if name.startswith("blocks."):
            moved = blocks.place(name, tuple(parameter.shape), parameter.dtype).copy_(parameter)
            put_parameter(transformer, name, moved)
    blocks.stream_to(transformer)


def _text_encoder(model: Model) -> UMT5EncoderModel:
    config = UMT5Config(
        d_model=model.transformer.text_dim,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        **model.text_encoder,
    )
    config._attn_implementation = "eager"
    return UMT5EncoderModel(config)


def _speech_encoder(model: Model) -> Wav2Vec2Model:
    transformer: TransformerConfig = model.transformer
    config = Wav2Vec2Config(
        hidden_size=transformer.audio_dim,
        num_hidden_layers=transformer.num_audio_layers - 1,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
        mask_time_prob=0.0,
        mask_feature_prob=0.0,
        **model.speech_encoder,
    )
    return Wav2Vec2Model(config)


def _placed(module: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    return module.to(device, dtype).eval()
