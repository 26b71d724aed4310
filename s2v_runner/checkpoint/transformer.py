"""The S2V transformer of a checkpoint: its sizes and the names of its tensors."""

from collections.abc import Mapping
from typing import Any

import torch

from s2v_runner.checkpoint.names import TransformerNames, recognise_dialect
from s2v_runner.checkpoint.parts import PartPlan, Shapes, UnfitError
from s2v_runner.transformer import S2VTransformer, TransformerConfig
from s2v_runner.transformer.backend import Backend, plain_backend
from s2v_runner.transformer.model import FLOAT32_PREFIXES

# The released model's architecture, as a config.json can state it. Keys a file leaves out have the first value;
# a second is the same thing in the words of the Diffusers configurations.
_ARCHITECTURE: dict[str, tuple[Any, ...]] = {
    "model_type": ("s2v",),
    "patch_size": ([1, 2, 2],),
    "window_size": ([-1, -1],),
    "qk_norm": (True, "rms_norm_across_heads"),
    "cross_attn_norm": (True,),
    "enable_adain": (True,),
    "adain_mode": ("attn_norm",),
    "zero_timestep": (True,),
    "enable_motioner": (False,),
    "enable_framepack": (True,),
    "add_last_motion": (True,),
    "enable_tsm": (False,),
    "trainable_token_pos_emb": (False,),
    "added_kv_proj_dim": (None,),
}
# The published Diffusers configurations leave the text length, which no tensor tells, to the pipeline's 512.
_TEXT_LENGTH = 512


def plan_transformer(config: Mapping[str, Any], shapes: Shapes, backend: Backend) -> PartPlan:
    """How to load the transformer that `config` (its config.json) and the tensors' shapes describe.

    Raises UnfitError for another architecture, or when the two contradict each other.
    """
    dialect = recognise_dialect(shapes)
    if dialect is None:
        raise UnfitError("its tensors are of no S2V transformer that this project knows")
    sizes = _read_sizes(config, TransformerNames(dialect, _injection_layers(config)), shapes)
    names = TransformerNames(dialect, sizes.audio_injection_layers)
    with torch.device("meta"):
        # In the words of plain weights, whatever the backend makes of them.
        ours = S2VTransformer(sizes, plain_backend("sdpa")).state_dict()
    return PartPlan(
        build=lambda: S2VTransformer(sizes, backend),
        names={name: names.published(name) for name in ours},
        float32_prefixes=FLOAT32_PREFIXES,
        sizes={
            "text_dim": sizes.text_dim,
            "latent_channels": sizes.latent_channels,
            "audio_dim": sizes.audio_dim,
            "num_audio_layers": sizes.num_audio_layers,
        },
    )


def _read_sizes(config: Mapping[str, Any], names: TransformerNames, shapes: Shapes) -> TransformerConfig:
    for key, accepted in _ARCHITECTURE.items():
        if config.get(key, accepted[0]) not in accepted:
            raise UnfitError(f"config.json says {key}={config[key]!r}; the released model has {accepted[0]!r}")

    def shape(name: str) -> tuple[int, ...]:
        published = names.published(name)
        if published not in shapes:
            raise UnfitError(f"tensor '{published}', which the sizes are read from, is missing")
        return shapes[published]

    model_dim, latent_channels = shape("patch_embedding.weight")[:2]
    num_layers = 0
    while names.published(f"blocks.{num_layers}.modulation") in shapes:
        num_layers += 1
    sizes = TransformerConfig(
        model_dim=model_dim,
        feed_forward_dim=shape("blocks.0.feed_forward.expand.weight")[0],
        num_heads=_number(config, "num_heads", "num_attention_heads"),
        num_layers=num_layers,
        frequency_dim=shape("time_embedding.expand.weight")[1],
        latent_channels=latent_channels,
        pose_channels=shape("pose_embedding.weight")[1],
        text_dim=shape("text_embedding.expand.weight")[1],
        text_length=_number({"text_len": _TEXT_LENGTH, **config}, "text_len"),
        audio_dim=shape("audio_encoder.local_entry.weight")[1],
        num_audio_layers=shape("audio_encoder.layer_weights")[1],
        num_audio_tokens=shape("audio_encoder.local_entry.weight")[0] // max(1, model_dim // 4),
        audio_injection_layers=names.injection_layers,
        norm_epsilon=_number(config, "eps", kind=float),
    )
    _check_sizes(config, sizes)
    return sizes


def _check_sizes(config: Mapping[str, Any], sizes: TransformerConfig) -> None:
    stated = {
        "dim": sizes.model_dim,
        "ffn_dim": sizes.feed_forward_dim,
        "num_layers": sizes.num_layers,
        "freq_dim": sizes.frequency_dim,
        "text_dim": sizes.text_dim,
        "audio_dim": sizes.audio_dim,
        "in_dim": sizes.latent_channels,
        "in_channels": sizes.latent_channels,
        "cond_dim": sizes.pose_channels,
        "pose_dim": sizes.pose_channels,
        "num_audio_token": sizes.num_audio_tokens,
        "attention_head_dim": sizes.head_dim,
    }
    for key, found in stated.items():
        if config.get(key, found) != found:
            raise UnfitError(f"config.json says {key}={config[key]} and the tensors say {found}")
    if sizes.model_dim % sizes.num_heads or sizes.head_dim % 2:
        raise UnfitError(f"{sizes.num_heads} heads do not divide a width of {sizes.model_dim} into even parts")
    if sizes.pose_channels != sizes.latent_channels:
        raise UnfitError(f"it takes poses of {sizes.pose_channels} channels and latents of {sizes.latent_channels}")
    if not set(sizes.audio_injection_layers) <= set(range(sizes.num_layers)):
        raise UnfitError(f"audio_inject_layers {sizes.audio_injection_layers} go past the {sizes.num_layers} blocks")


def _injection_layers(config: Mapping[str, Any]) -> tuple[int, ...]:
    layers = config.get("audio_inject_layers")
    if not isinstance(layers, list) or not all(type(layer) is int for layer in layers):
        raise UnfitError(f"config.json says audio_inject_layers={layers!r}, which is no list of whole numbers")
    if sorted(set(layers)) != layers:
        raise UnfitError(f"audio_inject_layers {layers} are not in ascending order")
    return tuple(layers)


def _number(config: Mapping[str, Any], *keys: str, kind: type = int) -> Any:
    """The first of the keys that is there, a positive number."""
    for key in keys:
        if key in config:
            value = config[key]
            if type(value) is not kind or value <= 0:
                raise UnfitError(f"config.json says {key}={value!r}, which is no positive {kind.__name__}")
            return value
    raise UnfitError(f"config.json lacks '{keys[0]}'")
