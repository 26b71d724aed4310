from pathlib import Path

import numpy as np
import pytest

from s2v_runner.errors import GenerationError, InputError
from s2v_runner.inputs.extraction import session
from s2v_runner.inputs.extraction.session import Network, check_device, require_onnxruntime
from tests.inputs.extraction.onnx_models import write_estimator


def test_a_gpu_without_its_onnxruntime_is_said_and_the_cpu_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    network = Network("pose.estimator", write_estimator(tmp_path / "e.onnx"), "cuda:0", "another")
    (warning,) = network.warnings
    assert "on the CPU and not on cuda:0" in warning
    assert "onnxruntime-gpu" in warning
    assert len(network.run(np.zeros((1, 3, 128, 96), np.float32))) == 2


def test_on_the_cpu_nothing_is_to_be_said(tmp_path: Path):
    assert Network("pose.estimator", write_estimator(tmp_path / "e.onnx"), "cpu", "another").warnings == ()


@pytest.mark.parametrize("device", ["mps", "cuda:first", "cuda:-1", "cpu:0", ""])
def test_other_devices_are_refused(device: str):
    with pytest.raises(InputError, match="poses cannot be found on it"):
        check_device(device)


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_devices_that_there_may_be_are_not(device: str):
    check_device(device)


def test_a_damaged_model_is_refused_in_one_line(tmp_path: Path):
    path = write_estimator(tmp_path / "e.onnx")
    path.write_bytes(path.read_bytes().replace(b"ReduceMax", b"ReduceMix"))
    with pytest.raises(InputError, match="onnxruntime cannot load it") as raised:
        Network("pose.estimator", path, "cpu", "another")
    assert "\n" not in str(raised.value)


def test_a_model_that_fails_says_so_in_one_line(tmp_path: Path):
    network = Network("pose.estimator", write_estimator(tmp_path / "e.onnx"), "cpu", "another")
    with pytest.raises(GenerationError, match=r"pose\.estimator .* failed on a frame") as raised:
        network.run(np.zeros((1, 3, 5, 5), np.float32))
    assert "\n" not in str(raised.value)


def test_a_missing_onnxruntime_is_refused_with_what_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(session, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 's2v-runner\[pose\]'"):
        require_onnxruntime()
