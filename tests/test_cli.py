"""The command line, run as a user runs it."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import TINY_CHECKPOINT


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "s2v_runner", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_check_of_a_sound_checkpoint():
    result = run("check", str(TINY_CHECKPOINT), "--deep")
    assert result.returncode == 0, result.stderr
    assert "official layout" in result.stdout
    assert result.stdout.count("ok ") == 5
    assert result.stdout.rstrip().endswith("sound")


def test_check_names_each_broken_file(tmp_path: Path):
    folder = tmp_path / "weights"
    shutil.copytree(TINY_CHECKPOINT, folder)
    shard = folder / "diffusion_pytorch_model-00002-of-00004.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    (folder / "diffusion_pytorch_model-00003-of-00004.safetensors").unlink()
    (folder / "Wan2.1_VAE.pth").write_bytes((folder / "Wan2.1_VAE.pth").read_bytes()[:5000])
    (folder / "google" / "umt5-xxl" / "tokenizer.json").unlink()
    result = run("check", str(folder))
    assert result.returncode == 2
    assert "damaged diffusion_pytorch_model-00002-of-00004.safetensors: its header promises" in result.stdout
    assert "missing diffusion_pytorch_model-00003-of-00004.safetensors" in result.stdout
    assert "damaged Wan2.1_VAE.pth" in result.stdout
    assert "missing google/umt5-xxl/tokenizer.json" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_check_of_no_checkpoint(tmp_path: Path):
    for folder, words in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "no known layout")):
        result = run("check", str(folder))
        assert result.returncode == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_help_names_the_commands():
    result = run("--help")
    assert result.returncode == 0
    assert "check" in result.stdout
    assert "missing, damaged or unexpected" in result.stdout


def test_a_wrong_command_is_a_mistake_of_the_users():
    result = run("chekc", "weights")
    assert result.returncode == 2
    assert "invalid choice: 'chekc'" in result.stderr
