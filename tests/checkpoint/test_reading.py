"""Reading: what the libraries read, to the bit, through memory that is used again and again; no thread is left."""

import json
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from s2v_runner.checkpoint.headers import DamagedFileError
from s2v_runner.checkpoint.reading import Reader, open_reader
from s2v_runner.checkpoint.staging import Copy, NoStaging, PinnedStaging, Staging
from s2v_runner.checkpoint.tensors import TensorEntry, TensorFile
from tests.conftest import CPU, GPU_OR_CPU

BUFFER, JOB, THREADS = 256, 48, 3
DTYPES = (torch.float32, torch.float16, torch.bfloat16)


class DelayedStaging:
    """Main memory for a device whose copies are done late and in order, as a stream's are."""

    def __init__(self) -> None:
        self._stream = ThreadPoolExecutor(1)
        self.allocated = 0

    def serves(self, target: torch.Tensor) -> bool:
        return True

    def allocate(self, size: int) -> torch.Tensor:
        self.allocated += size
        return torch.full((size,), 0xAA, dtype=torch.uint8)

    def mark(self) -> None:
        return None

    def copy(self, copies: Sequence[Copy], mark: None) -> "DelayedArrival":
        return DelayedArrival(self._stream.submit(self._copy_late, copies))

    def finish(self) -> None:
        self._stream.shutdown(wait=True)

    def _copy_late(self, copies: Sequence[Copy]) -> None:
        time.sleep(0.002)
        for target, staged in copies:
            target.copy_(staged)


class DelayedArrival:
    def __init__(self, done: Future[None]) -> None:
        self._done = done

    def wait(self) -> None:
        self._done.result()


class HastyStaging(DelayedStaging):
    """One that says that its copies are done when they are not."""

    def copy(self, copies: Sequence[Copy], mark: None) -> Any:
        super().copy(copies, mark)
        return NeverWaiting()


class NeverWaiting:
    def wait(self) -> None:
        return None


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("read-weights")]


def make_tensors(seed: int) -> dict[str, torch.Tensor]:
    """Of every dtype, of no, one and many numbers, shorter and much longer than a buffer, at odd places."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(), (0,), (1,), (3,), (5, 7), (0, 4), (17, 31), (2, 3, 5), (BUFFER // 4,), (BUFFER * 3,)]
    return {
        f"{dtype}.{number}": torch.randn(shape, generator=generator).to(dtype)
        for number, shape in enumerate(shapes)
        for dtype in DTYPES
    }


def make_reader(staging: Staging) -> Reader:
    return Reader(staging, buffers=3, buffer_bytes=BUFFER, job_bytes=JOB, threads=THREADS)


def read_all(files: Sequence[Path], staging: Staging, device: torch.device = CPU) -> dict[str, torch.Tensor]:
    """What is read once everything is finished, which is when copies that are done late are done."""
    with make_reader(staging) as reader:
        return {
            entry.name: tensor
            for path in files
            for file in [TensorFile(path)]
            for entry, tensor in file.fill(file.entries, lambda entry: empty(entry, device), reader)
        }


def empty(entry: TensorEntry, device: torch.device = CPU) -> torch.Tensor:
    return torch.empty(entry.shape, dtype=entry.dtype, device=device)


def differing(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> list[str]:
    assert found.keys() == expected.keys()
    return [
        name
        for name, tensor in expected.items()
        if found[name].dtype != tensor.dtype
        or found[name].shape != tensor.shape
        or not torch.equal(as_bytes(found[name]), as_bytes(tensor))
    ]


def as_bytes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)


STAGINGS: dict[str, tuple[Callable[[], Staging], torch.device]] = {
    "none": (NoStaging, CPU),
    "delayed": (DelayedStaging, CPU),
}
if GPU_OR_CPU.type == "cuda":
    STAGINGS["pinned"] = (partial(PinnedStaging, GPU_OR_CPU), GPU_OR_CPU)
every_staging = pytest.mark.parametrize(("make_staging", "device"), STAGINGS.values(), ids=STAGINGS)


@every_staging
def test_it_is_what_the_library_reads(tmp_path: Path, make_staging: Callable[[], Staging], device: torch.device):
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for seed, path in enumerate(files):
        save_file({f"{path.stem}.{name}": tensor for name, tensor in make_tensors(seed).items()}, path)
    expected = load_file(files[0]) | load_file(files[1])
    assert differing(read_all(files, make_staging(), device), expected) == []


@every_staging
def test_pickled_files_are_read_too(tmp_path: Path, make_staging: Callable[[], Staging], device: torch.device):
    tensors = make_tensors(0)
    tensors["turned"] = torch.randn(40, 30).t()
    tensors["part"] = tensors["turned"][3:9]
    tensors["again"] = tensors["part"]
    tensors["parameter"] = torch.nn.Parameter(torch.randn(33))
    torch.save(tensors, tmp_path / "weights.pth")
    assert differing(read_all([tmp_path / "weights.pth"], make_staging(), device), tensors) == []


@every_staging
@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_rows_are_read_without_the_others(
    tmp_path: Path, suffix: str, make_staging: Callable[[], Staging], device: torch.device
):
    path = tmp_path / f"weights.{suffix}"
    tensors = {name: tensor for name, tensor in make_tensors(0).items() if tensor.shape}
    save_file(tensors, path) if suffix == "safetensors" else torch.save(tensors, path)
    file = TensorFile(path)
    for begin, end in ((0, 1), (1, 4), (2, 1000), (1000, 2000)):
        parts = [entry.of_rows(range(entry.row_count)[begin:end]) for entry in file.entries]
        with make_reader(make_staging()) as reader:
            found = {entry.name: t for entry, t in file.fill(parts, lambda entry: empty(entry, device), reader)}
        assert differing(found, {name: tensor[begin:end] for name, tensor in tensors.items()}) == []


def test_a_tensor_larger_than_all_buffers_comes_whole(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file(make_tensors(0) | {"large": torch.randn(12_000, 6_000)}, path)
    assert differing(dict(TensorFile(path).read(GPU_OR_CPU)), load_file(path)) == []


def test_memory_that_a_device_still_works_with_is_not_written_into(tmp_path: Path):
    # On a GPU, long enough to be still at work when the next tensor comes.
    side = 1024 if GPU_OR_CPU.type == "cuda" else 64
    path = tmp_path / "weights.safetensors"
    save_file({f"{number:02}": torch.full((side * side,), float(number)) for number in range(64)}, path)
    factor = torch.eye(side, device=GPU_OR_CPU)
    totals = []
    for _, tensor in TensorFile(path).read(GPU_OR_CPU):
        # Many kernels, after which the tensor's memory is free for the next.
        totals.append((tensor.view(side, side) @ factor @ factor @ factor @ factor).mean())
    assert torch.stack(totals).tolist() == [float(number) for number in range(64)]


def test_memory_is_used_again_only_after_its_copy(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file(make_tensors(0), path)
    staging = DelayedStaging()
    assert differing(read_all([path], staging), load_file(path)) == []
    assert staging.allocated == 3 * BUFFER
    assert differing(read_all([path], HastyStaging()), load_file(path)) != []


def test_some_tensors_may_be_left_out(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file(make_tensors(0), path)
    file = TensorFile(path)
    wanted = file.entries[1::2]
    with make_reader(DelayedStaging()) as reader:
        found = {entry.name: tensor for entry, tensor in file.fill(wanted, empty, reader)}
    expected = load_file(path)
    assert differing(found, {entry.name: expected[entry.name] for entry in wanted}) == []


def test_no_more_is_under_way_than_the_buffers_hold(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file({f"{number:03}": torch.randn(BUFFER // 8) for number in range(100)}, path)
    placed = []

    def place(entry: TensorEntry) -> torch.Tensor:
        placed.append(entry)
        return empty(entry)

    file = TensorFile(path)
    with make_reader(NoStaging()) as reader:
        ahead = [len(placed) - done for done, _ in enumerate(file.fill(file.entries, place, reader))]
    # Two to a buffer, and the one that did not go into the last.
    assert 1 < max(ahead) <= 2 * 3 + 1


def test_a_file_cut_short_while_it_is_read_is_damaged(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file(make_tensors(0), path)
    for staging in (NoStaging(), DelayedStaging()):
        file = TensorFile(path)
        content = path.read_bytes()
        path.write_bytes(content[:-100])
        with make_reader(staging) as reader, pytest.raises(DamagedFileError, match="it ends after"):
            list(file.fill(file.entries, empty, reader))
        path.write_bytes(content)


def test_a_file_that_has_gone_is_damaged(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file(make_tensors(0), path)
    file = TensorFile(path)
    path.unlink()
    with pytest.raises(DamagedFileError, match="FileNotFoundError"):
        list(file.read(CPU))


def test_reading_may_be_given_up(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    save_file(make_tensors(0), path)
    file = TensorFile(path)
    with open_reader(CPU) as reader:
        next(file.fill(file.entries, empty, reader))
    assert next(iter(file.read(CPU)))[1].dtype in DTYPES


@pytest.mark.parametrize(
    ("offsets", "words"),
    [
        ([[0, 8], [12, 16]], "where the one before does not end"),
        ([[0, 8], [4, 8]], "where the one before does not end"),
        ([[0, 4], [4, 8]], r"gives tensor 'a' 4 bytes for \[2\] of F32"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path: Path, offsets: list[list[int]], words: str):
    shapes = [[2], [1]]
    header = {
        name: {"dtype": "F32", "shape": shape, "data_offsets": place}
        for name, shape, place in zip("ab", shapes, offsets, strict=True)
    }
    text = json.dumps(header).encode()
    path = tmp_path / "weights.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(max(end for _, end in offsets)))
    with pytest.raises(DamagedFileError, match=words):
        TensorFile(path)
