"""The cache alone: what is kept is what comes back, or nothing does."""

import resource
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from s2v_runner.conditioning.cache import NO_CACHE, ConditioningCache, at_rest, digest_array
from s2v_runner.replacement import replacing, unfinished_path
from tests.runs import fork

ASKED = {"text": "A woman speaking", "frames": 8}
SCOPE = {"checkpoint": "abc", "dtype": "torch.float32"}
TENSORS = {"rows": torch.arange(600.0).reshape(1, 20, 30)}


@pytest.fixture
def cache(tmp_path: Path) -> ConditioningCache:
    return ConditioningCache(tmp_path / "conditioning", SCOPE)


def entries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def the_entry(folder: Path) -> Path:
    (entry,) = entries(folder)
    return entry


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor([0.0, -0.0, 1e-45, float("inf"), -float("inf")]),
        torch.tensor([0x7FC00001, 0x7F800001, -1], dtype=torch.int32).view(torch.float32),
        torch.randn(1, 7, 5, generator=torch.Generator().manual_seed(0)).bfloat16(),
        torch.tensor(3),
        torch.zeros(0, 4),
    ],
    ids=["extremes", "nan", "bfloat16", "scalar", "empty"],
)
def test_what_was_kept_comes_back_to_the_bit(cache: ConditioningCache, tensor: torch.Tensor):
    assert cache.read("text", ASKED) is None
    cache.keep("text", ASKED, {"rows": tensor, "more": torch.ones(3)})
    found = cache.read("text", ASKED)
    assert found is not None
    assert set(found) == {"rows", "more"}
    assert (found["rows"].dtype, found["rows"].shape) == (tensor.dtype, tensor.shape)
    assert bits(found["rows"]) == bits(tensor)


def test_tensors_at_rest_lie_as_those_that_are_read(cache: ConditioningCache):
    made = {"rows": TENSORS["rows"].transpose(1, 2)[:, :, 3:], "expanded": torch.ones(1, 1).expand(4, 4)}
    kept = at_rest(made)
    cache.keep("text", ASKED, kept)
    found = cache.read("text", ASKED)
    assert found is not None
    for name, tensor in made.items():
        assert torch.equal(kept[name], tensor)
        assert kept[name].stride() == found[name].stride()
        assert kept[name].data_ptr() != tensor.data_ptr()
        assert found[name].data_ptr() % 64 == kept[name].data_ptr() % 64


@pytest.mark.parametrize(
    ("name", "asked", "scope"),
    [
        ("speech", ASKED, SCOPE),
        ("text", {**ASKED, "frames": 9}, SCOPE),
        ("text", {"text": ASKED["text"]}, SCOPE),
        ("text", ASKED, {**SCOPE, "dtype": "torch.bfloat16"}),
    ],
)
def test_what_was_kept_for_something_else_does_not_come_back(
    cache: ConditioningCache, tmp_path: Path, name: str, asked: dict, scope: dict
):
    cache.keep("text", ASKED, TENSORS)
    assert ConditioningCache(tmp_path / "conditioning", SCOPE).read("text", ASKED) is not None
    assert ConditioningCache(tmp_path / "conditioning", scope).read(name, asked) is None


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)


def put_another_entry_there(path: Path) -> None:
    other = ConditioningCache(path.parent.parent, SCOPE)
    other.keep("other", ASKED, {"rows": TENSORS["rows"] + 1})
    the_entry(path.parent.parent / "other").replace(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:20]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff" * 100),
        flip_a_bit,
        put_another_entry_there,
    ],
    ids=["short", "header", "empty", "garbage", "bit", "another"],
)
def test_a_damaged_entry_counts_as_none_and_is_replaced(
    cache: ConditioningCache, tmp_path: Path, damage: Callable[[Path], object]
):
    cache.keep("text", ASKED, TENSORS)
    damage(the_entry(tmp_path / "conditioning" / "text"))
    assert cache.read("text", ASKED) is None
    cache.keep("text", ASKED, TENSORS)
    found = cache.read("text", ASKED)
    assert found is not None
    assert torch.equal(found["rows"], TENSORS["rows"])


def test_a_folder_that_cannot_be_costs_one_warning(tmp_path: Path):
    (tmp_path / "file").touch()
    cache = ConditioningCache(tmp_path / "file" / "conditioning", SCOPE)
    assert cache.read("text", ASKED) is None
    with pytest.warns(UserWarning, match="cannot be written: Not a directory"):
        cache.keep("text", ASKED, TENSORS)
    # A second warning would be an error here.
    cache.keep("text", ASKED, TENSORS)


def write_too_much(cache: ConditioningCache) -> int:
    # As on a full disk: the header fits, the tensors do not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    cache.keep("text", ASKED, TENSORS)
    return 0


def test_a_full_disk_costs_a_warning_and_leaves_nothing(cache: ConditioningCache, tmp_path: Path):
    def warned() -> int:
        with pytest.warns(UserWarning, match="cannot be written"):
            return write_too_much(cache)

    status, said = fork(warned).wait()
    assert status == 0, said
    assert entries(tmp_path) == []


def test_what_a_killed_process_was_writing_goes_with_the_next_entry(cache: ConditioningCache, tmp_path: Path):
    def killed() -> int:
        # Then the system ends a process that writes more than it may.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        return write_too_much(cache)

    status, _ = fork(killed).wait()
    assert status == -signal.SIGXFSZ
    assert the_entry(tmp_path).name.startswith(".")
    another = tmp_path / "conditioning" / "text" / "another.safetensors"
    with replacing(another, unfinished_path(another)):
        cache.keep("speech", ASKED, TENSORS)
        assert [path for path in entries(tmp_path) if path.name.startswith(".")] == [unfinished_path(another)]


def test_several_processes_may_keep_and_read_the_same_entry(cache: ConditioningCache, tmp_path: Path):
    def work() -> int:
        for _ in range(50):
            cache.keep("text", ASKED, TENSORS)
            found = cache.read("text", ASKED)
            if found is None or not torch.equal(found["rows"], TENSORS["rows"]):
                return 1
        return 0

    ended = [child.wait() for child in [fork(work) for _ in range(3)]]
    assert [status for status, _ in ended] == [0, 0, 0], ended
    assert not the_entry(tmp_path).name.startswith(".")


def test_without_a_cache_nothing_is_kept():
    NO_CACHE.keep("text", ASKED, TENSORS)
    assert NO_CACHE.read("text", ASKED) is None


def test_arrays_are_told_apart_by_values_type_and_shape():
    array = np.arange(6, dtype=np.float32)
    others = [array.reshape(2, 3), array.astype(np.float64), array.view(np.int32), -array]
    assert len({digest_array(each) for each in (array, *others)}) == 5
    assert digest_array(array.reshape(2, 3).T) == digest_array(array.reshape(2, 3).T.copy())
