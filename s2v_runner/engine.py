"""The loaded model. It lives as long as the process; runs come and go."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from tokenizers import Tokenizer
from transformers import UMT5EncoderModel, Wav2Vec2FeatureExtractor, Wav2Vec2Model

from s2v_runner.autoencoder import Autoencoder
from s2v_runner.checkpoint.inspection import InspectedPart, inspect_checkpoint, require_sound
from s2v_runner.checkpoint.layout import CheckpointFolder
from s2v_runner.checkpoint.load import (
    Progress,
    load_audio_encoder,
    load_text_encoder,
    load_transformer,
    load_vae,
)
from s2v_runner.checkpoint.tokenizer import load_extractor, load_tokenizer
from s2v_runner.errors import InputError
from s2v_runner.transformer import S2VTransformer, TransformerConfig, resolve_attention
from s2v_runner.transformer.attention import try_attention

_CPU = torch.device("cpu")
Module = TypeVar("Module", bound=torch.nn.Module)


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What decides which modules are loaded, and how."""

    folder: CheckpointFolder
    device: torch.device
    dtype: torch.dtype
    """Of the transformer's and the text encoder's matrices; the rest is float32."""
    autoencoder_dtype: torch.dtype
    """Of what the autoencoder's convolutions multiply, where a norm is before them; the rest is float32."""
    attention: str
    text_device: torch.device
    """Of the text encoder, which may stay on the CPU."""
    offload: bool
    """Whether the encoders wait on the CPU while they have nothing to do."""

    @property
    def encoder_home(self) -> torch.device:
        """Where the speech encoder is between runs."""
        return _CPU if self.offload else self.device

    @property
    def text_encoder_home(self) -> torch.device:
        return _CPU if self.offload else self.text_device


class Engine:
    """The parts of one checkpoint, each loaded when it is first wanted and kept."""

    def __init__(self, settings: EngineSettings, progress: Progress) -> None:
        self.settings = settings
        self._progress = progress
        self._attend = resolve_attention(settings.attention)

    def check(self) -> None:
        """Refuse a broken checkpoint, a missing device, or an attention kernel that cannot serve, before loading.

        Raises InputError.
        """
        settings = self.settings
        gpus = torch.cuda.device_count()
        if settings.device.type == "cuda" and (settings.device.index or 0) >= gpus:
            raise InputError(f"device '{settings.device}'", f"PyTorch sees {gpus} GPUs here", "Choose 'cpu' or another")
        require_sound(settings.folder, self._parts)
        head_dim = self.transformer_config.head_dim
        try_attention(self._attend, settings.attention, settings.device, settings.dtype, head_dim)

    def text_encoder_at_work(self) -> AbstractContextManager[UMT5EncoderModel]:
        """The text encoder, on its device for as long as it is needed."""
        return _at_work(self.text_encoder, self.settings.text_device, self.settings.text_encoder_home)

    def audio_encoder_at_work(self) -> AbstractContextManager[Wav2Vec2Model]:
        """The speech encoder, on its device for as long as it is needed."""
        return _at_work(self.audio_encoder, self.settings.device, self.settings.encoder_home)

    @cached_property
    def _parts(self) -> dict[str, InspectedPart]:
        return inspect_checkpoint(self.settings.folder, self._attend)

    @cached_property
    def transformer_config(self) -> TransformerConfig:
        plan = self._parts["transformer"].plan
        assert plan is not None
        with torch.device("meta"):
            transformer = plan.build()
        assert isinstance(transformer, S2VTransformer)
        return transformer.config

    @cached_property
    def transformer(self) -> S2VTransformer:
        settings = self.settings
        return load_transformer(self._parts["transformer"], settings.device, settings.dtype, self._progress)

    @cached_property
    def vae(self) -> Autoencoder:
        settings = self.settings
        return load_vae(self._parts["vae"], settings.device, settings.autoencoder_dtype, self._progress)

    @cached_property
    def text_encoder(self) -> UMT5EncoderModel:
        settings = self.settings
        return load_text_encoder(
            self._parts["text_encoder"], settings.text_encoder_home, settings.dtype, self._progress
        )

    @cached_property
    def audio_encoder(self) -> Wav2Vec2Model:
        return load_audio_encoder(self._parts["audio_encoder"], self.settings.encoder_home, self._progress)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        path = self.settings.folder.parts["tokenizer"].others["tokenizer"]
        return load_tokenizer(path, self.transformer_config.text_length)

    @cached_property
    def extractor(self) -> Wav2Vec2FeatureExtractor:
        return load_extractor(self.settings.folder.parts["audio_encoder"].others["extractor"])


@contextmanager
def _at_work(module: Module, device: torch.device, home: torch.device) -> Iterator[Module]:
    module.to(device)
    try:
        yield module
    finally:
        module.to(home)
