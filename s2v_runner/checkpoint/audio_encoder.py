"""The speech encoder of a checkpoint: Transformers' `Wav2Vec2Model`, from a folder of its own."""

from collections.abc import Mapping
from typing import Any

import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

from s2v_runner.checkpoint.parts import PartPlan, Shapes, UnfitError
from s2v_runner.plan import WAV2VEC2_CONVOLUTIONS

_PREFIX = "wav2vec2."
# The head of the recogniser and the mask of its training; neither takes part in encoding.
_LEFT_ALONE = frozenset({"lm_head.weight", "lm_head.bias", "masked_spec_embed"})
# The two ways in which PyTorch has named the factors of a weight norm.
_WEIGHT_NORM = {
    "conv.weight_g": "conv.parametrizations.weight.original0",
    "conv.weight_v": "conv.parametrizations.weight.original1",
}


def plan_audio_encoder(config: Mapping[str, Any], shapes: Shapes) -> PartPlan:
    """How to load the encoder that `config` (its config.json) describes, whichever way its tensors are named.

    Raises UnfitError when the configuration is not of a Wav2Vec2 model.
    """
    if config.get("model_type") != "wav2vec2":
        raise UnfitError(f"config.json says model_type={config.get('model_type')!r} and not 'wav2vec2'")
    settings = _read_config(config)
    convolutions = tuple(zip(settings.conv_kernel, settings.conv_stride, strict=False))
    if convolutions != WAV2VEC2_CONVOLUTIONS:
        raise UnfitError(f"its convolutions (kernel, stride) are {convolutions} and not {WAV2VEC2_CONVOLUTIONS}")
    with torch.device("meta"):
        ours = Wav2Vec2Model(settings).state_dict()
    published = {_our_name(name): name for name in shapes}
    return PartPlan(
        build=lambda: Wav2Vec2Model(settings),
        names={name: published.get(name, f"{_PREFIX}{name}") for name in ours},
        ignored=frozenset(name for name in shapes if _our_name(name) in _LEFT_ALONE),
        # Its states are the input of its first layer and the output of each.
        sizes={"audio_dim": settings.hidden_size, "num_audio_layers": settings.num_hidden_layers + 1},
    )


def _read_config(config: Mapping[str, Any]) -> Wav2Vec2Config:
    # Masking belongs to training; without it the model has no mask parameter to ask the checkpoint for.
    stored_dtypes = ("torch_dtype", "dtype")
    settings = {key: value for key, value in config.items() if key not in stored_dtypes}
    return Wav2Vec2Config.from_dict({**settings, "mask_time_prob": 0.0, "mask_feature_prob": 0.0})


def _our_name(name: str) -> str:
    ours = name.removeprefix(_PREFIX)
    for old, new in _WEIGHT_NORM.items():
        if ours.endswith(old):
            return ours.removesuffix(old) + new
    return ours
