"""The command line, run as a user runs it: real processes, from any folder."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.places import TINY_CHECKPOINT
from tests.runs import run_cli, workshop_settings


def test_check_of_a_sound_checkpoint(tmp_path: Path):
    result = run_cli(tmp_path, "check", str(TINY_CHECKPOINT), "--deep")
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
    result = run_cli(tmp_path, "check", str(folder))
    assert result.returncode == 2
    assert "damaged diffusion_pytorch_model-00002-of-00004.safetensors: its header promises" in result.stdout
    assert "missing diffusion_pytorch_model-00003-of-00004.safetensors" in result.stdout
    assert "damaged Wan2.1_VAE.pth" in result.stdout
    assert "missing google/umt5-xxl/tokenizer.json" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr


def test_check_of_no_checkpoint(tmp_path: Path):
    for folder, words in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "no known layout")):
        result = run_cli(tmp_path, "check", str(folder))
        assert result.returncode == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_help_names_the_commands_and_run_its_settings(tmp_path: Path):
    result = run_cli(tmp_path, "--help")
    assert result.returncode == 0
    for command in ("run", "check", "sync", "reproduce", "list", "clean", "completion"):
        assert f"\n    {command}" in result.stdout
    result = run_cli(tmp_path, "run", "--help")
    assert "sampler" in result.stdout
    assert "dpmpp, euler, unipc" in result.stdout
    assert "guide_scale" in result.stdout


def test_a_dry_run_loads_nothing_heavy_and_is_quick(tmp_path: Path):
    code = (
        "import sys; from s2v_runner.cli import main; main(['dry_run=true', 'size=720p']); "
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    begin = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not {"torch", "mlflow", "transformers", "librosa", "numba"} & set(result.stdout.split())
    # Under three seconds on an idle machine; here other tests may be running beside it.
    assert time.perf_counter() - begin < 12


def test_the_first_command_makes_a_video_with_sound_from_any_folder(tmp_path: Path):
    """As it is, but for its model and its length."""
    short = ("model=random", "sampler.steps=4", "infer_frames=16", "num_clip=1", "tracking=none")
    result = run_cli(tmp_path, "sampler=dpmpp", "size=480p", *short)
    assert result.returncode == 0, result.stderr
    assert "tiny and random" in result.stdout
    video = Path(result.stdout.splitlines()[-1].split("  ")[0])
    assert video.is_relative_to(tmp_path / "outputs" / "runs")
    assert video.stat().st_size > 10_000
    assert (tmp_path / "outputs" / ".gitignore").read_text().startswith("*")


def test_accelerate_launches_a_run(tmp_path: Path, picture_file: Path, speech_file: Path):
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "1", "--cpu", "-m", "s2v_runner"]
    settings = workshop_settings(picture_file, speech_file, tmp_path / "outputs")
    result = subprocess.run([*command, *settings, "num_clip=1"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "finished in" in result.stdout


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("s2v-runner run sampler=d", "sampler=dpmpp"),
        ("s2v-runner run size=7", "size=720p"),
        ("s2v-runner run sampler.gui", "sampler.guide_scale="),
        ("s2v-runner rep", "reproduce"),
    ],
)
def test_a_shell_completes(tmp_path: Path, typed: str, expected: str):
    answer = tmp_path / "answer"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_COMP_WORDBREAKS": " \t\n",
        "COMP_LINE": typed,
        "COMP_POINT": str(len(typed)),
    }
    subprocess.run([sys.executable, "-m", "s2v_runner"], env=environment, check=False, timeout=60)
    assert expected in [word.strip() for word in answer.read_text().split("\n")]


def test_completion_code_is_a_shell_script(tmp_path: Path):
    result = run_cli(tmp_path, "completion", "bash")
    assert result.returncode == 0
    assert "s2v-runner" in result.stdout
    assert subprocess.run(["bash", "-n"], input=result.stdout, text=True, check=False).returncode == 0
