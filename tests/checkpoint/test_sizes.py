import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.random import write_random_checkpoint
from s2v_runner.checkpoint.sizes import RANDOM_MODEL, ModelSizes, random_checkpoint_folder, read_sizes
from tests.places import TINY_CHECKPOINT


def read_changed(folder: Path, change: dict[str, Any]) -> ModelSizes | None:
    """The sizes of the tiny checkpoint with keys of its configuration changed, or taken out for None."""
    folder.mkdir()
    for path in TINY_CHECKPOINT.iterdir():
        if path.name != "config.json":
            (folder / path.name).symlink_to(path)
    config = json.loads((TINY_CHECKPOINT / "config.json").read_text()) | change
    (folder / "config.json").write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return read_sizes(locate_checkpoint(folder))


def test_sizes_are_read_from_the_configuration_and_the_files():
    sizes = read_sizes(locate_checkpoint(TINY_CHECKPOINT))
    assert sizes is not None
    assert (sizes.model_dim, sizes.feed_forward_dim, sizes.num_layers) == (80, 160, 4)
    assert (sizes.num_injections, sizes.text_length) == (3, 24)
    shards = sum(path.stat().st_size for path in TINY_CHECKPOINT.glob("diffusion_pytorch_model-*.safetensors"))
    assert sizes.weight_bytes["transformer"] == shards
    assert set(sizes.weight_bytes) == {"transformer", "vae", "text_encoder", "audio_encoder"}


def test_a_width_may_be_given_by_its_heads(tmp_path: Path):
    change = {"dim": None, "num_attention_heads": 5, "attention_head_dim": 16}
    assert read_changed(tmp_path / "a", change) == read_sizes(locate_checkpoint(TINY_CHECKPOINT))


@pytest.mark.parametrize(
    "change",
    [
        {"dim": None},
        {"dim": None, "num_attention_heads": "5", "attention_head_dim": "16"},
        {"ffn_dim": "wide"},
        {"num_layers": None},
        {"audio_inject_layers": 3},
    ],
)
def test_a_configuration_that_does_not_say_gives_none(tmp_path: Path, change: dict[str, Any]):
    assert read_changed(tmp_path / "a", change) is None


def test_a_checkpoint_without_a_configuration_gives_none(tmp_path: Path):
    shutil.copytree(TINY_CHECKPOINT, tmp_path / "a", ignore=shutil.ignore_patterns("config.json"))
    assert read_sizes(locate_checkpoint(tmp_path / "a")) is None


def test_the_random_model_is_as_big_as_is_said_before_it_is_made(tmp_path: Path):
    folder = random_checkpoint_folder(tmp_path, 0)
    write_random_checkpoint(folder, 0)
    assert read_sizes(locate_checkpoint(folder)) == RANDOM_MODEL
