"""Files that cannot be written to the end. A limit on their size stands in for a full disk."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from s2v_runner.errors import OutputError
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.sinks import FrameSink
from s2v_runner.video.writer import VideoWriter

COUNT, HEIGHT, WIDTH, FPS = 100, 64, 64, 16


def open_video(folder: Path) -> VideoWriter:
    return VideoWriter(
        path=folder / "unfinished",
        height=HEIGHT,
        width=WIDTH,
        fps=FPS,
        num_frames=COUNT,
        audio=folder / "speech.wav",
        crf=1,
        audio_kbps=64,
        metadata={"recipe": "语" * 2000},
    )


def open_lossless(folder: Path) -> LosslessWriter:
    return LosslessWriter(path=folder / "unfinished", height=HEIGHT, width=WIDTH, fps=FPS)


OPENERS: dict[str, Callable[[Path], FrameSink]] = {"video": open_video, "lossless": open_lossless}


@pytest.fixture(autouse=True)
def speech(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "speech.wav", np.random.default_rng(0).normal(0, 0.1, 112000), 16000)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, HEIGHT, WIDTH, 3), np.uint8)


def attempt(kind: str, folder: Path, limit: int) -> str:
    """The step at which files of up to `limit` bytes are too small, and what is said of it."""
    sink, step = None, "open"
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        sink = OPENERS[kind](folder)
        step = "write"
        sink.write(noise())
        step = "close"
        sink.close()
    except OutputError as error:
        step += f": {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if sink is not None:
            sink.close()
            sink.discard()
    return step


def fill_disk(kind: str, folder: Path) -> None:
    """Runs in a process of its own: one line for each size of the disk."""
    path = folder / "unfinished"
    attempt(kind, folder, resource.RLIM_INFINITY)
    size = path.stat().st_size
    path.unlink()
    handles = set(Path("/dev/fd").iterdir())
    for limit in (8, size // 4, size - 5000, size - 1):
        print(attempt(kind, folder, limit))
        assert not path.exists()
        assert set(Path("/dev/fd").iterdir()) == handles
    print(attempt(kind, folder, size), path.stat().st_size - size)


@pytest.mark.parametrize("kind", OPENERS)
def test_a_full_disk_leaves_nothing_behind_wherever_it_strikes(kind: str, tmp_path: Path):
    command = (
        f"from pathlib import Path; from {__name__} import fill_disk; fill_disk({kind!r}, Path({str(tmp_path)!r}))"
    )
    child = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (child.returncode, child.stderr) == (0, "")
    lines = child.stdout.splitlines()
    # In a quarter of it not even the pictures have room; the last bytes are of the index, written when all is closed.
    assert [line.split(":")[0] for line in lines[1:]] == ["write", "close", "close", "close 0"]
    assert all("unfinished' cannot be written: File too large" in line for line in lines[:-1])


@pytest.mark.parametrize("kind", OPENERS)
def test_a_disk_that_fails_at_the_last_moment_is_named(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sink = OPENERS[kind](tmp_path)
    sink.write(noise())
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match="No space left"):
        sink.close()
    assert not (tmp_path / "unfinished").exists()


def test_a_folder_that_disappears_is_named(tmp_path: Path):
    sink = open_video(tmp_path)
    sink.write(noise())
    shutil.rmtree(tmp_path)
    with pytest.raises(OutputError, match="No such file"):
        sink.close()
    sink.close()


@pytest.mark.parametrize("kind", OPENERS)
def test_a_place_that_takes_no_file_is_named(kind: str, tmp_path: Path):
    (tmp_path / "unfinished").mkdir()
    with pytest.raises(OutputError, match="directory"):
        OPENERS[kind](tmp_path)
