"""How big a checkpoint is, from its configuration and the sizes of its files. Nothing heavy is imported."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2v_runner.checkpoint.layout import CheckpointFolder, read_json


@dataclass(frozen=True, kw_only=True)
class ModelSizes:
    """What the cost of a run depends on."""

    model_dim: int
    num_heads: int
    feed_forward_dim: int
    num_layers: int
    num_injections: int
    text_length: int
    weight_bytes: Mapping[str, int]
    """Of each part's files."""


RANDOM_MODEL = ModelSizes(
    model_dim=128,
    num_heads=4,
    feed_forward_dim=256,
    num_layers=4,
    num_injections=2,
    text_length=64,
    weight_bytes={"transformer": 7346516, "vae": 3718668, "text_encoder": 398472, "audio_encoder": 254992},
)
"""The random model's, as `checkpoint/random.py` makes it."""
_RECIPE = 1
"""To be raised with every change to what a seed gives there."""


def random_checkpoint_folder(cache: Path, seed: int) -> Path:
    """Where the random checkpoint of this seed is kept."""
    return cache / f"random_checkpoint_{_RECIPE}_{seed}"


def read_sizes(folder: CheckpointFolder) -> ModelSizes | None:
    """The sizes that a checkpoint states; None where its configuration is missing or incomplete.

    An estimate is made of them, so nothing is refused here: loading the checkpoint says what is wrong with it.
    """
    config = folder.parts["transformer"].config
    if config is None or not config.is_file():
        return None
    sizes = {name: sum(path.stat().st_size for path in part.weights) for name, part in folder.parts.items()}
    return _from_config(read_json(config), sizes)


def _from_config(config: Mapping[str, Any], weight_bytes: Mapping[str, int]) -> ModelSizes | None:
    try:
        return ModelSizes(
            model_dim=int(config.get("dim") or config["num_attention_heads"] * config["attention_head_dim"]),
            num_heads=int(config.get("num_heads") or config["num_attention_heads"]),
            feed_forward_dim=int(config["ffn_dim"]),
            num_layers=int(config["num_layers"]),
            num_injections=len(config["audio_inject_layers"]),
            text_length=int(config.get("text_len", 512)),
            weight_bytes={name: size for name, size in weight_bytes.items() if size},
        )
    except (KeyError, TypeError, ValueError):
        return None
