"""Which metrics a search can seek."""

from typing import Any

import pytest

from s2v_runner.errors import InputError
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.search.objectives import _WEIGHTS, read_objectives
from tests.settings import config_with


def read(objectives: str, **changes: Any) -> list[str]:
    config = config_with({"search.objectives": objectives, **{k.replace("__", "."): v for k, v in changes.items()}})
    return [metric.key for metric in read_objectives(config)]


@pytest.mark.parametrize(
    "text", ["mouth_r,seconds", " mouth_r , seconds,", "[mouth_r, seconds]", "mouth_r,seconds,mouth_r"]
)
def test_metrics_are_named_with_commas(text: str):
    assert read(text) == ["mouth_r", "seconds"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("moth_r", "there is no metric 'moth_r'. Did you mean 'mouth_r'"),
        ("psnr,seconds", "psnr compares a point with a baseline"),
        ("latent_distance", "latent_distance compares a point with a baseline"),
        ("motion", "of motion neither more nor less is better"),
        ("file_mib", "of file_mib neither more nor less is better"),
        ("sync_c", "sync_c is not measured without the network that judges it. Give its weights with metrics.syncnet"),
        ("", "it names no metric"),
        ("[]", "it names no metric"),
    ],
)
def test_what_cannot_be_sought_is_said(text: str, said: str):
    with pytest.raises(InputError) as caught:
        read(text)
    assert said in str(caught.value)


def test_what_is_not_measured_is_not_sought():
    with pytest.raises(InputError, match=r"mouth_r is not measured with metrics=none\. Add metrics=basic"):
        read("mouth_r", metrics__method="none")
    assert read("seconds", metrics__method="none") == ["seconds"]
    assert read("sync_c", metrics__syncnet="syncnet.onnx") == ["sync_c"]


def test_every_weighted_metric_has_its_weights():
    assert set(_WEIGHTS) <= {metric.key for metric in VIDEO_METRICS}
