"""Frames of a video, side by side."""

import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image


def write_video(path: Path, frames: int) -> None:
    """Each frame a little brighter than the one before."""
    levels = np.arange(frames, dtype=np.uint8) * 20
    pixels_VHWC = np.broadcast_to(levels[:, None, None, None], (frames, 32, 32, 3))
    iio.imwrite(path, pixels_VHWC, plugin="pyav", codec="libx264", fps=16)


def make_strip(video: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["--first", "1", "--every", "3", "--columns", "2", "--rows", "2", *more]
    command = [sys.executable, "-m", "demo.make_strip", str(video), "--out", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_frames_are_laid_row_by_row(tmp_path: Path):
    write_video(tmp_path / "video.mp4", 12)
    result = make_strip(tmp_path / "video.mp4", tmp_path / "strip.png")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.size == (64, 64)
        levels = np.asarray(strip)[16::32, 16::32, 0]
    assert np.abs(levels.ravel() - np.array([1, 4, 7, 10]) * 20.0).max() <= 6


def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path):
    write_video(tmp_path / "short.mp4", 8)
    write_video(tmp_path / "video.mp4", 12)
    (tmp_path / "text.mp4").write_text("no video")
    cases = (
        ("short.mp4", "strip.png", (), "has 8 frames"),
        ("absent.mp4", "strip.png", (), "cannot be read"),
        ("text.mp4", "strip.png", (), "cannot be read"),
        ("video.mp4", "nowhere/strip.png", (), "cannot be written"),
        ("video.mp4", "strip.what", (), "cannot be written"),
        ("video.mp4", "strip.png", ("--every", "0"), "count from 1 on"),
    )
    for video, out, more, said in cases:
        result = make_strip(tmp_path / video, tmp_path / out, *more)
        assert result.returncode == 1
        assert said in result.stderr
        assert "Traceback" not in result.stderr
        assert not (tmp_path / out).exists()
