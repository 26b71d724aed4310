"""The parity tests can fail: each notices one value of one output moved by five times what is allowed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"

# File, output to move, its tolerance, the test that must notice. Only one output of a case is moved, so that
# each assertion is seen to hold on its own.
MOVED_TENSORS = [
    ("transformer", "1.output", 1e-5, "test_transformer.py::test_forward_pass[1]"),
    ("text", "0.embedding", 1e-5, "test_text.py::test_prompt[0]"),
    ("vae", "0.latents", 1e-5, "test_vae.py::test_video[0]"),
    ("vae", "1.decoded", 1e-5, "test_vae.py::test_video[1]"),
    ("vae", "2.random_decoded", 1e-5, "test_vae.py::test_video[2]"),
    ("audio", "0.features_30fps", 1e-4, "test_audio.py::test_speech[0]"),
    ("audio", "1.model_input", 1e-4, "test_audio.py::test_speech[1]"),
    ("samplers", "unipc.10.1.final", 1e-5, "test_samplers.py::test_trajectory[unipc.10.1]"),
    ("samplers", "dpm++.4.5.sigmas", 1e-5, "test_samplers.py::test_trajectory[dpm++.4.5]"),
    ("pipeline", "no_guidance", 1e-3, "test_pipeline.py::test_generation[no_guidance]"),
    ("pipeline", "unipc_two_clips", 1e-3, "test_pipeline.py::test_generation[unipc_two_clips]"),
]
# Exact recordings: one whole number moved by one.
MOVED_NUMBERS: list[tuple[str, Callable, str]] = [
    ("text", lambda tensors: tensors["1.ids"], "test_text.py::test_prompt[1]"),
    ("text", lambda tensors: tensors["3.mask"], "test_text.py::test_prompt[3]"),
    ("samplers", lambda tensors: tensors["unipc.4.3.timesteps"], "test_samplers.py::test_trajectory[unipc.4.3]"),
]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moved") / "golden"
    shutil.copytree(GOLDEN, folder)
    for name in {name for name, *_ in [*MOVED_TENSORS, *MOVED_NUMBERS]}:
        tensors = load_file(folder / f"{name}.safetensors")
        for file, key, tolerance, _ in MOVED_TENSORS:
            if file == name:
                tensors[key] = _move_one_value(tensors[key], 5 * tolerance)
        for file, choose, _ in MOVED_NUMBERS:
            if file == name:
                choose(tensors).view(-1)[0] += 1
        save_file(tensors, folder / f"{name}.safetensors")
    _edit_json(folder / "size.json", lambda sizes: _increment(sizes["rows"][-1], 3))
    _edit_json(folder / "audio_index.json", lambda cases: _increment(cases[0]["source_frame_plus_one"], 2))
    _edit_json(folder / "audio_index.json", lambda cases: _increment(cases[1], "num_clips"))
    return folder


def test_each_moved_output_fails_its_test_and_no_other(moved: Path):
    # Without the longest of the recorded generations, which moves nothing and takes half the time.
    left_out = ("--deselect", "tests/parity/test_pipeline.py::test_generation[all_clips]")
    quietly = ("-q", "-rf", "--tb=no", "-p", "no:cacheprovider")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/parity", *quietly, *left_out],
        cwd=ROOT,
        env={**os.environ, "S2V_GOLDEN": str(moved)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    failed = set(re.findall(r"^FAILED tests/parity/(\S+)", result.stdout, re.MULTILINE))
    expected = {test for *_, test in [*MOVED_TENSORS, *MOVED_NUMBERS]} | {
        "test_size.py::test_frame_of_every_picture",
        "test_audio_index.py::test_feature_of_each_video_frame[0]",
        "test_audio_index.py::test_feature_of_each_video_frame[1]",
    }
    assert failed == expected, result.stdout


def _move_one_value(tensor: torch.Tensor, share: float) -> torch.Tensor:
    """Move the middle value towards zero by `share` of the largest, so that the largest stays what it is."""
    moved = tensor.clone().contiguous()
    values = moved.view(-1)
    middle = values.numel() // 2
    step = share * tensor.float().abs().max()
    values[middle] = (values[middle].float() - torch.copysign(step, values[middle].float())).to(tensor.dtype)
    return moved


def _edit_json(path: Path, edit: Callable) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _increment(container: dict | list, key: str | int) -> None:
    container[key] += 1  # pyright: ignore[reportArgumentType, reportCallIssue]
