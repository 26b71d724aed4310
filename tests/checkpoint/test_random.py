"""The random checkpoint: whole, sound, the same for the same seed, and as big as a plan says."""

from pathlib import Path

import torch

from s2v_runner.checkpoint.inspection import inspect_checkpoint
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.random import write_random_checkpoint
from s2v_runner.checkpoint.sizes import RANDOM_MODEL, random_checkpoint_folder, read_sizes
from s2v_runner.digests import digest_checkpoint
from s2v_runner.transformer import resolve_attention


def test_it_is_sound_and_of_the_stated_size(tmp_path: Path):
    folder = random_checkpoint_folder(tmp_path, 0)
    write_random_checkpoint(folder, 0)
    parts = inspect_checkpoint(locate_checkpoint(folder), resolve_attention("sdpa"))
    assert all(part.is_sound for part in parts.values())
    assert read_sizes(locate_checkpoint(folder)) == RANDOM_MODEL
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_seed_always_gives_the_same_and_another_seed_another(tmp_path: Path):
    digests = []
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        write_random_checkpoint(tmp_path / name, seed)
        digests.append(digest_checkpoint(locate_checkpoint(tmp_path / name)))
    assert digests[0] == digests[1] != digests[2]


def test_it_leaves_the_random_state_alone(tmp_path: Path):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    write_random_checkpoint(tmp_path / "weights", 0)
    assert torch.equal(torch.rand(1), expected)
