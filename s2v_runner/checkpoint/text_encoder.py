"""The text encoder of a checkpoint, official names to those of Transformers' `UMT5EncoderModel`."""

import re
from collections.abc import Callable

import torch
from transformers import UMT5Config, UMT5EncoderModel

from s2v_runner.checkpoint.parts import PartPlan, Shapes, UnfitError

_OFFICIAL_SIGN = "token_embedding.weight"
_OURS_SIGN = "shared.weight"
# Transformers ties the encoder's own embedding to the shared one; a file may hold it twice.
_TIED = "encoder.embed_tokens.weight"

_OFFICIAL = {
    "shared.weight": "token_embedding.weight",
    "encoder.final_layer_norm.weight": "norm.weight",
}
_OFFICIAL_BLOCK = {
    "layer.0.layer_norm": "norm1",
    "layer.0.SelfAttention.q": "attn.q",
    "layer.0.SelfAttention.k": "attn.k",
    "layer.0.SelfAttention.v": "attn.v",
    "layer.0.SelfAttention.o": "attn.o",
    "layer.0.SelfAttention.relative_attention_bias": "pos_embedding.embedding",
    "layer.1.layer_norm": "norm2",
    "layer.1.DenseReluDense.wi_0": "ffn.gate.0",
    "layer.1.DenseReluDense.wi_1": "ffn.fc1",
    "layer.1.DenseReluDense.wo": "ffn.fc2",
}
_BLOCK = re.compile(r"encoder\.block\.(\d+)\.(.+)\.weight")


def plan_text_encoder(shapes: Shapes) -> PartPlan:
    """How to load the encoder that the tensors' shapes describe, under either naming.

    Raises UnfitError when they are not a UMT5 encoder.
    """
    if _OFFICIAL_SIGN not in shapes and _OURS_SIGN not in shapes:
        raise UnfitError(f"it has neither '{_OFFICIAL_SIGN}' nor '{_OURS_SIGN}', so it is no UMT5 encoder")
    published = official_text_name if _OFFICIAL_SIGN in shapes else str
    config = _read_sizes(shapes, published)
    with torch.device("meta"):
        ours = UMT5EncoderModel(config).state_dict()
    return PartPlan(
        build=lambda: UMT5EncoderModel(config),
        names={name: published(name) for name in ours if name != _TIED},
        ignored=frozenset({_TIED}),
        sizes={"text_dim": config.d_model, "vocabulary": config.vocab_size},
    )


def _read_sizes(shapes: Shapes, published: Callable[[str], str]) -> UMT5Config:
    def shape(name: str) -> tuple[int, ...]:
        if published(name) not in shapes:
            raise UnfitError(f"tensor '{published(name)}', which the sizes are read from, is missing")
        return shapes[published(name)]

    vocabulary, dim = shape("shared.weight")
    buckets, heads = shape("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight")
    layers = 0
    while published(f"encoder.block.{layers}.layer.0.SelfAttention.q.weight") in shapes:
        layers += 1
    config = UMT5Config(
        vocab_size=vocabulary,
        d_model=dim,
        d_kv=shape("encoder.block.0.layer.0.SelfAttention.q.weight")[0] // heads,
        d_ff=shape("encoder.block.0.layer.1.DenseReluDense.wi_0.weight")[0],
        num_layers=layers,
        num_heads=heads,
        relative_attention_num_buckets=buckets,
        feed_forward_proj="gated-gelu",
        dropout_rate=0.0,
        is_encoder_decoder=False,
        use_cache=False,
    )
    # The only kernel that adds the position bias in the order of the original, and so equals it to the bit.
    config._attn_implementation = "eager"
    return config


def official_text_name(ours: str) -> str:
    """The official name of one of Transformers' tensors."""
    if ours in _OFFICIAL:
        return _OFFICIAL[ours]
    match = _BLOCK.fullmatch(ours)
    if match is None or match[2] not in _OFFICIAL_BLOCK:
        return ours
    return f"blocks.{match[1]}.{_OFFICIAL_BLOCK[match[2]]}.weight"
