"""SyncNet: names and shapes as published, and what the layers make of their inputs."""

import re
from pathlib import Path

import pytest
import torch

from s2v_runner.errors import InputError
from s2v_runner.metrics.weighted.syncnet_network import SyncNet, load_syncnet

CPU = torch.device("cpu")

# The convolutions and linear layers of SyncNetModel.py in joonson/syncnet_python at 6efbb1c.
PUBLISHED_LAYERS = {
    "netcnnaud.0": (64, 1, 3, 3),
    "netcnnaud.4": (192, 64, 3, 3),
    "netcnnaud.8": (384, 192, 3, 3),
    "netcnnaud.11": (256, 384, 3, 3),
    "netcnnaud.14": (256, 256, 3, 3),
    "netcnnaud.18": (512, 256, 5, 4),
    "netfcaud.0": (512, 512),
    "netfcaud.3": (1024, 512),
    "netfclip.0": (512, 512),
    "netfclip.3": (1024, 512),
    "netcnnlip.0": (96, 3, 5, 7, 7),
    "netcnnlip.4": (256, 96, 1, 5, 5),
    "netcnnlip.8": (256, 256, 1, 3, 3),
    "netcnnlip.11": (256, 256, 1, 3, 3),
    "netcnnlip.14": (256, 256, 1, 3, 3),
    "netcnnlip.18": (512, 256, 1, 6, 6),
}
# Each but the last linear ones is followed by a batch norm of the next number.
PUBLISHED = (
    {f"{name}.weight": shape for name, shape in PUBLISHED_LAYERS.items()}
    | {f"{name}.bias": shape[:1] for name, shape in PUBLISHED_LAYERS.items()}
    | {
        f"{name.partition('.')[0]}.{int(name.partition('.')[2]) + 1}.{part}": shape[:1]
        for name, shape in PUBLISHED_LAYERS.items()
        if name not in ("netfcaud.3", "netfclip.3")
        for part in ("weight", "bias", "running_mean", "running_var")
    }
)


def test_names_and_shapes_are_the_published_ones():
    shapes = {name: tuple(tensor.shape) for name, tensor in SyncNet().state_dict().items()}
    counts = {name: shape for name, shape in shapes.items() if name.endswith("num_batches_tracked")}
    assert set(counts.values()) == {()}
    assert {name: shape for name, shape in shapes.items() if name not in counts} == PUBLISHED


def test_a_window_becomes_one_vector():
    network = SyncNet().eval()
    with torch.inference_mode():
        assert network.embed_lips(torch.zeros(2, 3, 5, 224, 224)).shape == (2, 1024)
        assert network.embed_sound(torch.zeros(3, 1, 13, 20)).shape == (3, 1024)


@pytest.mark.parametrize("archive", [True, False])
def test_files_of_any_age_are_loaded(tmp_path: Path, archive: bool):
    weights = {name: torch.full(shape, 0.5) for name, shape in PUBLISHED.items()}
    torch.save(weights, tmp_path / "syncnet_v2.model", _use_new_zipfile_serialization=archive)
    network = load_syncnet("syncnet", tmp_path / "syncnet_v2.model", CPU)
    assert float(network.state_dict()["netcnnlip.1.running_var"].sum()) == 48
    assert not network.training


def test_other_weights_are_refused(tmp_path: Path):
    others = {f"layer.{number}": torch.zeros(1) for number in range(34)}
    torch.save(others, tmp_path / "other.model")
    with pytest.raises(InputError) as caught:
        load_syncnet("syncnet", tmp_path / "other.model", CPU)
    assert re.fullmatch(
        r"metrics\.syncnet='.*other\.model': it lacks 88 tensors \(such as 'netcnnaud\.0\.weight'\);"
        r" it has 34 tensors \(such as 'layer\.0'\) that the network has not\. Give syncnet_v2\.model, .*",
        str(caught.value),
    ), str(caught.value)
