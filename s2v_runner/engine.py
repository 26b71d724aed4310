"""The loaded model. It lives as long as the process; runs come and go."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

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
    place_on,
)
from s2v_runner.checkpoint.loras import Changes, Lora, plan_changes
from s2v_runner.checkpoint.shards import UNSHARDED
from s2v_runner.checkpoint.tokenizer import load_extractor, load_tokenizer
from s2v_runner.division import Division
from s2v_runner.errors import InputError
from s2v_runner.estimate import Memory
from s2v_runner.placement.residence import BlocksAtHome, visit, visit_by_layers
from s2v_runner.records import KernelName, MatrixName
from s2v_runner.transformer import (
    Backend,
    S2VTransformer,
    TransformerConfig,
    check_widths,
    resolve_backend,
)
from s2v_runner.transformer.attention import try_attention

_CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What decides which modules are loaded, and how."""

    folder: CheckpointFolder
    digest: str
    """Of the checkpoint: other files in the same places are another model."""
    device: torch.device
    dtype: torch.dtype
    """Of the transformer's and the text encoder's matrices; the rest is float32."""
    autoencoder_dtype: torch.dtype
    """Of what the autoencoder's convolutions multiply, where a norm is before them; the rest is float32."""
    attention: str
    kernels: KernelName
    matrices: MatrixName
    """How the transformer is computed: see `Backend`."""
    text_device: torch.device
    """Of the text encoder, which may stay on the CPU."""
    memory: Memory
    """What waits in main memory while it has nothing to do."""
    loras: tuple[Lora, ...]
    """What is merged into the transformer, in this order."""
    dit_fsdp: bool
    """Whether the transformer's weights are shared out among the processes that have it together."""
    t5_fsdp: bool
    """Whether the text encoder's are. It then stays on its device."""

    @property
    def encoder_home(self) -> torch.device:
        """Where the speech encoder is between runs."""
        return self.device if self.memory == "resident" else _CPU

    @property
    def text_encoder_home(self) -> torch.device:
        return self.text_device if self.memory == "resident" or self.t5_fsdp else _CPU


class Engine:
    """The parts of one checkpoint, each loaded when it is first wanted and kept."""

    def __init__(self, settings: EngineSettings, progress: Progress, division: Division) -> None:
        assert division.shards is not UNSHARDED or not (settings.dit_fsdp or settings.t5_fsdp)
        assert settings.text_device == settings.device or not settings.t5_fsdp
        self.settings = settings
        self.division = division
        self._progress = progress

    def check(self) -> None:
        """Refuse a broken checkpoint or LoRA, a missing device, or a kernel that cannot serve, before loading.

        Raises InputError.
        """
        settings = self.settings
        gpus = torch.cuda.device_count()
        if settings.device.type == "cuda" and (settings.device.index or 0) >= gpus:
            raise InputError(f"device '{settings.device}'", f"PyTorch sees {gpus} GPUs here", "Choose 'cpu' or another")
        require_sound(settings.folder, self._parts)
        self._changes()
        config = self.transformer_config
        check_widths(settings.matrices, settings.device, config)
        try_attention(self._backend.attend, settings.attention, settings.device, settings.dtype, config.head_dim)

    def text_encoder_at_work(self) -> AbstractContextManager[UMT5EncoderModel]:
        """The text encoder, on its device for as long as it is needed."""
        settings = self.settings
        if settings.t5_fsdp:
            return nullcontext(self.text_encoder)
        if settings.memory == "tiny":
            return visit_by_layers(self.text_encoder, settings.text_device)
        return visit(self.text_encoder, settings.text_device, settings.text_encoder_home)

    def audio_encoder_at_work(self) -> AbstractContextManager[Wav2Vec2Model]:
        """The speech encoder, on its device for as long as it is needed."""
        return visit(self.audio_encoder, self.settings.device, self.settings.encoder_home)

    @cached_property
    def _backend(self) -> Backend:
        settings = self.settings
        return resolve_backend(
            settings.attention,
            settings.kernels,
            settings.matrices,
            settings.device,
            settings.dtype,
            self.division.sequence,
        )

    @cached_property
    def _parts(self) -> dict[str, InspectedPart]:
        return inspect_checkpoint(self.settings.folder, self._backend)

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
        with self._turn(self.settings.dit_fsdp):
            return self._load_transformer()

    def _load_transformer(self) -> S2VTransformer:
        settings = self.settings
        part, device, dtype = self._parts["transformer"], settings.device, settings.dtype
        changes, progress = self._changes(), self._progress
        if settings.memory not in ("stream", "tiny"):
            shards = self.division.shards if settings.dit_fsdp else UNSHARDED
            return load_transformer(part, device, place_on(device), dtype, changes, shards, progress)
        assert not settings.dit_fsdp, settings.memory
        blocks = BlocksAtHome(self.transformer_config, self._backend, dtype, device)
        transformer = load_transformer(part, device, blocks.place, dtype, changes, UNSHARDED, progress)
        blocks.stream_to(transformer)
        return transformer

    def _changes(self) -> Changes:
        part = self._parts["transformer"]
        assert part.plan is not None
        shapes = {ours: part.store.shapes[published] for ours, published in part.plan.names.items()}
        return plan_changes(self.settings.loras, shapes, self.transformer_config.audio_injection_layers)

    @cached_property
    def vae(self) -> Autoencoder:
        settings = self.settings
        with self._turn(is_shared=False):
            return load_vae(self._parts["vae"], settings.device, settings.autoencoder_dtype, self._progress)

    @cached_property
    def text_encoder(self) -> UMT5EncoderModel:
        settings = self.settings
        shards = self.division.shards if settings.t5_fsdp else UNSHARDED
        with self._turn(settings.t5_fsdp):
            return load_text_encoder(
                self._parts["text_encoder"], settings.text_encoder_home, settings.dtype, shards, self._progress
            )

    @cached_property
    def audio_encoder(self) -> Wav2Vec2Model:
        with self._turn(is_shared=False):
            return load_audio_encoder(self._parts["audio_encoder"], self.settings.encoder_home, self._progress)

    def _turn(self, is_shared: bool) -> AbstractContextManager[None]:
        # What is shared out each process reads a part of, at once with the others.
        return nullcontext() if is_shared else self.division.turn_to_read(self.settings.digest)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        path = self.settings.folder.parts["tokenizer"].others["tokenizer"]
        return load_tokenizer(path, self.transformer_config.text_length)

    @cached_property
    def extractor(self) -> Wav2Vec2FeatureExtractor:
        return load_extractor(self.settings.folder.parts["audio_encoder"].others["extractor"])
