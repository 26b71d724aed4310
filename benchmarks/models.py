"""Models to measure with: the released one, the demo model, and a tiny one to try the benchmarks themselves."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2v_runner.errors import InputError
from s2v_runner.transformer import TransformerConfig

RELEASED = TransformerConfig(
    model_dim=5120,
    feed_forward_dim=13824,
    num_heads=40,
    num_layers=40,
    frequency_dim=256,
    latent_channels=16,
    pose_channels=16,
    text_dim=4096,
    text_length=512,
    audio_dim=1024,
    num_audio_layers=25,
    num_audio_tokens=4,
    audio_injection_layers=(0, 4, 8, 12, 16, 20, 24, 27, 30, 33, 36, 39),
    norm_epsilon=1e-6,
)
TINY = TransformerConfig(
    model_dim=128,
    feed_forward_dim=256,
    num_heads=4,
    num_layers=2,
    frequency_dim=64,
    latent_channels=16,
    pose_channels=16,
    text_dim=64,
    text_length=32,
    audio_dim=32,
    num_audio_layers=25,
    num_audio_tokens=4,
    audio_injection_layers=(0,),
    norm_epsilon=1e-6,
)
DEMO = TransformerConfig(
    model_dim=256,
    feed_forward_dim=768,
    num_heads=4,
    num_layers=6,
    frequency_dim=256,
    latent_channels=16,
    pose_channels=16,
    text_dim=96,
    text_length=64,
    audio_dim=128,
    num_audio_layers=5,
    num_audio_tokens=4,
    audio_injection_layers=(0, 2, 4),
    norm_epsilon=1e-6,
)
MOTION_FRAMES = 73


@dataclass(frozen=True, kw_only=True)
class Model:
    """The sizes of every part, and the video that the model is measured with unless another is asked for."""

    name: str
    """As it is asked for: also the path of a file."""
    transformer: TransformerConfig
    text_encoder: Mapping[str, Any]
    """Settings of `UMT5Config`; the width is the transformer's."""
    speech_encoder: Mapping[str, Any]
    """Settings of `Wav2Vec2Config`; width and layers are the transformer's."""
    autoencoder_width: int
    size: tuple[int, int]
    """Width and height."""
    frames: int
    """Video frames of a clip."""


_SMALL_TEXT_ENCODER = {"vocab_size": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 4}
_SMALL_SPEECH_ENCODER = {"num_attention_heads": 2, "intermediate_size": 64, "conv_dim": (16,) * 7}
MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="released",
            transformer=RELEASED,
            text_encoder={"vocab_size": 256384, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64},
            speech_encoder={"num_attention_heads": 16, "intermediate_size": 4096, "conv_dim": (512,) * 7},
            autoencoder_width=96,
            size=(1024, 704),
            frames=80,
        ),
        Model(
            name="demo-size",
            transformer=DEMO,
            text_encoder={"vocab_size": 880, "d_kv": 24, "d_ff": 192, "num_layers": 3, "num_heads": 4},
            speech_encoder={
                "num_attention_heads": 4,
                "intermediate_size": 384,
                "conv_dim": (64, 64, 96, 96, 128, 128, 128),
                "num_conv_pos_embeddings": 64,
            },
            autoencoder_width=16,
            size=(128, 128),
            frames=80,
        ),
        Model(
            name="tiny",
            transformer=TINY,
            text_encoder=_SMALL_TEXT_ENCODER,
            speech_encoder=_SMALL_SPEECH_ENCODER,
            autoencoder_width=8,
            size=(128, 64),
            frames=8,
        ),
    )
}
_BASE = "base"


def find_model(asked: str) -> Model:
    """A model by its name, or by a JSON or YAML file of sizes.

    The file's values stand in place of those of the model that its `base` names: `transformer` has fields of
    TransformerConfig, the other keys are those of Model. Raises InputError.
    """
    if asked in MODELS:
        return MODELS[asked]
    path = Path(asked)
    if path.suffix not in (".json", ".yaml", ".yml"):
        raise InputError(f"--model {asked}", "there is no such model", f"Choose {', '.join(MODELS)}, or give a file")
    try:
        return _from_sizes(asked, _read(path))
    except (OSError, ValueError, TypeError, AssertionError) as error:
        remedy = f"Give '{_BASE}', one of {', '.join(MODELS)}, and what differs from it"
        raise InputError(f"--model {asked}", f"it gives no sizes ({error})", remedy) from error


def with_layers(config: TransformerConfig, layers: int) -> TransformerConfig:
    """So many blocks, of which as large a share hears the speech, spread as evenly."""
    if layers == config.num_layers:
        return config
    injections = round(len(config.audio_injection_layers) * layers / config.num_layers)
    spread = tuple(index * layers // injections for index in range(injections))
    return dataclasses.replace(config, num_layers=layers, audio_injection_layers=spread)


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        values = json.loads(text)
    else:
        # Not everywhere installed, nor needed for the named models.
        import yaml

        values = yaml.safe_load(text)
    if not isinstance(values, dict):
        raise TypeError("it holds no settings")
    return values


def _from_sizes(name: str, values: dict[str, Any]) -> Model:
    base = MODELS.get(str(values.pop(_BASE, "")))
    if base is None:
        raise ValueError(f"its '{_BASE}' names no model")
    sizes = values.pop("transformer", {})
    if "audio_injection_layers" in sizes:
        sizes["audio_injection_layers"] = tuple(sizes["audio_injection_layers"])
    if "size" in values:
        width, height = values["size"]
        values["size"] = (int(width), int(height))
    transformer = dataclasses.replace(base.transformer, **sizes)
    if any(not 0 <= layer < transformer.num_layers for layer in transformer.audio_injection_layers):
        raise ValueError(f"audio_injection_layers are not all below num_layers={transformer.num_layers}")
    return dataclasses.replace(base, name=name, transformer=transformer, **values)
