"""The random checkpoint: whole, sound, the same for the same seed, and as big as a plan says."""

import signal
from itertools import count
from pathlib import Path

import torch

from s2v_runner.checkpoint.inspection import inspect_checkpoint
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.checkpoint.random import write_random_checkpoint
from s2v_runner.checkpoint.sizes import RANDOM_MODEL, random_checkpoint_folder, read_sizes
from s2v_runner.digests import digest_checkpoint
from s2v_runner.transformer import plain_backend
from tests.runs import fork
from tests.sweep.boundaries import Boundary


def test_it_is_sound_and_of_the_stated_size(tmp_path: Path):
    folder = random_checkpoint_folder(tmp_path, 0)
    write_random_checkpoint(folder, 0)
    parts = inspect_checkpoint(locate_checkpoint(folder), plain_backend("sdpa"))
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


def test_a_process_that_was_killed_leaves_nothing_that_stays(tmp_path: Path):
    write_random_checkpoint(tmp_path / "whole" / "weights", 0)
    whole = digest_checkpoint(locate_checkpoint(tmp_path / "whole" / "weights"))
    place = 0
    for place in count(1):
        folder = tmp_path / str(place) / "weights"

        def write(folder: Path = folder, place: int = place) -> int:
            Boundary(folder.parent, place, signal.SIGKILL, is_torn=False).install()
            write_random_checkpoint(folder, 0)
            return 0

        status, said = fork(write).wait()
        assert status in (0, -signal.SIGKILL), said
        write_random_checkpoint(folder, 0)
        assert [path.name for path in folder.parent.iterdir()] == ["weights"], place
        assert digest_checkpoint(locate_checkpoint(folder)) == whole, place
        if status == 0:
            break
    assert place > 10


def test_two_processes_write_it_once(tmp_path: Path):
    def write() -> int:
        write_random_checkpoint(tmp_path / "weights", 0)
        return 0

    assert [child.wait() for child in [fork(write), fork(write)]] == [(0, "")] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
