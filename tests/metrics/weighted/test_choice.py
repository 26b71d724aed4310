"""Which gauges there are for which weights, and what is seen early."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from s2v_runner.errors import InputError
from s2v_runner.metrics.catalogue import WEIGHTED_METRICS
from s2v_runner.metrics.weighted.choice import (
    METRICS_OF,
    VideoFacts,
    WeightPaths,
    check_weights,
    choose_weighted_gauges,
)
from s2v_runner.metrics.weighted.lpips import Lpips
from s2v_runner.metrics.weighted.syncnet_network import SyncNet
from tests.metrics.weighted.folders import write_clip, write_dino
from tests.metrics.weighted.onnx_models import write_face_model
from tests.metrics.weighted.videos import FACE, draw, make_view

NOTHING = WeightPaths(syncnet=None, arcface=None, clip=None, lpips=None, dino=None)
FACTS = VideoFacts(
    picture=draw(0, 64, 96), picture_face=FACE, samples=np.ones(16000, np.float32), fps=16, prompt="A bird sings."
)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> WeightPaths:
    folder = tmp_path_factory.mktemp("weights")
    torch.save(SyncNet().state_dict(), folder / "syncnet_v2.model")
    torch.save(Lpips().state_dict(), folder / "lpips.pth")
    (folder / "r50.onnx").write_bytes(write_face_model(112, 512, "N"))
    write_clip(folder / "clip")
    write_dino(folder / "dino")
    return WeightPaths(
        syncnet=folder / "syncnet_v2.model",
        arcface=folder / "r50.onnx",
        clip=folder / "clip",
        lpips=folder / "lpips.pth",
        dino=folder / "dino",
    )


def test_settings_and_metrics_are_those_of_the_catalogue():
    assert [key for keys in METRICS_OF.values() for key in keys] == [metric.key for metric in WEIGHTED_METRICS]


def test_without_weights_every_metric_has_a_reason():
    gauges, reasons = choose_weighted_gauges(NOTHING, FACTS, CPU)
    assert gauges == []
    assert {key: measure.reason for key, measure in reasons.items()} == {
        key: f"metrics.{setting} is not given" for setting, keys in METRICS_OF.items() for key in keys
    }


def test_with_all_weights_every_metric_is_read(everything: WeightPaths):
    check_weights(everything)
    gauges, reasons = choose_weighted_gauges(everything, FACTS, CPU)
    assert reasons == {}
    for gauge in gauges:
        gauge.take(make_view(0, FACTS.picture, FACE))
    found = {key: measure for gauge in gauges for key, measure in gauge.read().items()}
    assert list(found) == [metric.key for metric in WEIGHTED_METRICS]
    assert [key for key, measure in found.items() if measure.value is None] == ["sync_c", "sync_d", "sync_offset"]


@pytest.mark.parametrize(
    ("key", "name", "problem"),
    [
        ("syncnet", "none", "there is no such file"),
        ("syncnet", "folder", "it is a folder"),
        ("syncnet", "text", "it is no file of PyTorch's or safetensors'"),
        ("lpips", "empty", "it is no file of PyTorch's or safetensors'"),
        ("arcface", "text", "it is no ONNX model"),
        ("clip", "none", "there is no such folder"),
        ("clip", "text", "it is no folder"),
        ("dino", "folder", "it has no config.json"),
    ],
)
def test_what_is_plainly_wrong_is_said_early(tmp_path: Path, key: str, name: str, problem: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("nothing of the kind")
    (tmp_path / "empty").touch()
    paths = {setting: tmp_path / name if setting == key else None for setting in METRICS_OF}
    with pytest.raises(InputError, match=re.escape(f"metrics.{key}='{tmp_path / name}': {problem}. Give ")):
        check_weights(WeightPaths(**paths))


def test_looking_at_files_needs_nothing_heavy():
    code = "import sys, s2v_runner.metrics.weighted.choice; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(result.stdout.split()) & {"torch", "transformers", "onnxruntime", "cv2"}
