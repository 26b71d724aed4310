import hashlib
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.digests import digest_checkpoint, digest_file, digest_input, digest_of
from tests.places import TINY_CHECKPOINT

SHARD = "diffusion_pytorch_model-00001-of-00004.safetensors"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY_CHECKPOINT, tmp_path / "weights"))


def digest(folder: Path) -> str:
    return digest_checkpoint(locate_checkpoint(folder))


def test_a_value_is_known_by_what_is_in_it_and_not_by_its_order():
    assert digest_of({"a": 1, "b": {"c": None, "d": "中"}}) == digest_of({"b": {"d": "中", "c": None}, "a": 1})
    others = ({"a": 1}, {"a": "1"}, {"a": 1.5}, {"a": None}, {"a": True}, {"a": [1]}, {"b": 1}, {})
    assert len({digest_of(value) for value in others}) == len(others)


def test_a_file_is_known_by_its_content(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"speech" * 100_000)
    shutil.copy(one, other)
    assert digest_file(one) == digest_file(other) == hashlib.sha256(b"speech" * 100_000).hexdigest()
    other.write_bytes(b"speech" * 99_999 + b"Speech")
    assert digest_file(one) != digest_file(other)


def test_a_checkpoint_is_the_same_wherever_it_lies(weights: Path):
    assert digest(weights) == digest(TINY_CHECKPOINT)
    for path in weights.rglob("*"):
        path.touch()
    (weights / "README.md").write_text("beside the weights")
    assert digest(weights) == digest(TINY_CHECKPOINT)


def change_byte(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


CHANGES: dict[str, Callable[[Path], object]] = {
    "its first number": lambda folder: change_byte(folder / SHARD, 8 + header_length(folder / SHARD)),
    "its last number": lambda folder: change_byte(folder / SHARD, -1),
    "a name in a header": lambda folder: change_byte(folder / SHARD, 12),
    "its length": lambda folder: (folder / SHARD).write_bytes((folder / SHARD).read_bytes()[:-4]),
    "a pickled part": lambda folder: change_byte(folder / "Wan2.1_VAE.pth", 5000),
    "its configuration": lambda folder: (folder / "config.json").write_text("{}"),
    "its tokenizer": lambda folder: change_byte(folder / "google" / "umt5-xxl" / "tokenizer.json", -2),
    "a file less": lambda folder: (folder / SHARD).unlink(),
}


def header_length(path: Path) -> int:
    return struct.unpack("<Q", path.read_bytes()[:8])[0]


@pytest.mark.parametrize("change", CHANGES)
def test_another_checkpoint_is_known_by(weights: Path, change: str):
    CHANGES[change](weights)
    assert digest(weights) != digest(TINY_CHECKPOINT)


def write_large(path: Path, size: int, length: int = 2) -> None:
    """A file with holes, which takes no room, and a header that claims to be so long."""
    with path.open("wb") as file:
        file.write(struct.pack("<Q", length) + b"{}")
        file.truncate(size)


def test_a_large_file_is_sampled_and_not_read(weights: Path):
    write_large(weights / SHARD, 50 * 2**30)
    begin = time.process_time()
    before = digest(weights)
    assert time.process_time() - begin < 1
    for position in (8 + 2, 25 * 2**30 // 7 * 4, 50 * 2**30 - 1):
        with (weights / SHARD).open("r+b") as file:
            file.seek(position)
            file.write(b"x")
        assert digest(weights) != before, position
        before = digest(weights)


def test_a_header_that_claims_everything_is_not_believed(weights: Path):
    write_large(weights / SHARD, 50 * 2**30, length=2**62)
    begin = time.process_time()
    digest(weights)
    assert time.process_time() - begin < 2


def test_an_input_that_has_changed_is_read_anew(tmp_path: Path):
    path = tmp_path / "speech.wav"
    path.write_bytes(b"one")
    first = digest_input(path)
    assert first == digest_input(path) == digest_file(path)
    path.write_bytes(b"three")
    assert digest_input(path) == digest_file(path) != first
