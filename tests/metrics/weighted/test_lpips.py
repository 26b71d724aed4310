"""LPIPS: names and shapes as published, and the distance as defined."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import conv2d, max_pool2d, relu

from s2v_runner.errors import InputError
from s2v_runner.metrics.weighted.lpips import Lpips, LpipsGauge
from tests.metrics.weighted.videos import draw, show, the_value

CPU = torch.device("cpu")

# `lpips.LPIPS(net='alex').state_dict()`, by lpips/lpips.py and lpips/pretrained_networks.py of
# richzhang/PerceptualSimilarity at 082bb24 and torchvision's AlexNet.
PUBLISHED = {
    "scaling_layer.shift": (1, 3, 1, 1),
    "scaling_layer.scale": (1, 3, 1, 1),
    "net.slice1.0.weight": (64, 3, 11, 11),
    "net.slice1.0.bias": (64,),
    "net.slice2.3.weight": (192, 64, 5, 5),
    "net.slice2.3.bias": (192,),
    "net.slice3.6.weight": (384, 192, 3, 3),
    "net.slice3.6.bias": (384,),
    "net.slice4.8.weight": (256, 384, 3, 3),
    "net.slice4.8.bias": (256,),
    "net.slice5.10.weight": (256, 256, 3, 3),
    "net.slice5.10.bias": (256,),
    "lin0.model.1.weight": (1, 64, 1, 1),
    "lin1.model.1.weight": (1, 192, 1, 1),
    "lin2.model.1.weight": (1, 384, 1, 1),
    "lin3.model.1.weight": (1, 256, 1, 1),
    "lin4.model.1.weight": (1, 256, 1, 1),
    "lins.0.model.1.weight": (1, 64, 1, 1),
    "lins.1.model.1.weight": (1, 192, 1, 1),
    "lins.2.model.1.weight": (1, 384, 1, 1),
    "lins.3.model.1.weight": (1, 256, 1, 1),
    "lins.4.model.1.weight": (1, 256, 1, 1),
}


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """Drawn at random; the heads are positive, as those that were learned are."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.randn(shape, generator=generator) * (2 / max(1, int(np.prod(shape[1:])))) ** 0.5
        for name, shape in PUBLISHED.items()
    }
    for number in range(5):
        head = torch.rand(PUBLISHED[f"lin{number}.model.1.weight"], generator=generator)
        tensors[f"lin{number}.model.1.weight"] = head
        tensors[f"lins.{number}.model.1.weight"] = head.clone()
    tensors["scaling_layer.shift"] = torch.tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1)
    tensors["scaling_layer.scale"] = torch.tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1)
    return tensors


@pytest.fixture
def file(weights: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    torch.save(weights, tmp_path / "lpips.pth")
    return tmp_path / "lpips.pth"


def test_names_and_shapes_are_the_published_ones():
    assert {name: tuple(tensor.shape) for name, tensor in Lpips().state_dict().items()} == PUBLISHED


def test_the_picture_itself_has_no_distance(file: Path):
    picture = draw(0, 64, 96)
    assert show(LpipsGauge(file, picture, 16, CPU), [picture] * 5, None)["lpips"].value == 0


def layer_by_layer(weights: dict[str, torch.Tensor], rgb: np.ndarray) -> list[torch.Tensor]:
    image = torch.from_numpy(rgb.transpose(2, 0, 1)[None].copy()).float() / 255 * 2 - 1
    hidden = (image - weights["scaling_layer.shift"]) / weights["scaling_layer.scale"]
    features = []
    for name, stride, padding, pooled in (
        ("slice1.0", 4, 2, False),
        ("slice2.3", 1, 2, True),
        ("slice3.6", 1, 1, True),
        ("slice4.8", 1, 1, False),
        ("slice5.10", 1, 1, False),
    ):
        hidden = max_pool2d(hidden, 3, 2) if pooled else hidden
        hidden = relu(conv2d(hidden, weights[f"net.{name}.weight"], weights[f"net.{name}.bias"], stride, padding))
        features.append(hidden)
    return features


def test_the_distance_is_the_published_one(file: Path, weights: dict[str, torch.Tensor]):
    picture, frame = draw(0, 64, 96), draw(1, 64, 96)
    expected = 0.0
    features = zip(layer_by_layer(weights, picture), layer_by_layer(weights, frame), strict=True)
    for number, (one, other) in enumerate(features):
        one, other = (layer / (layer.norm(dim=1, keepdim=True) + 1e-10) for layer in (one, other))
        weighted = (one - other) ** 2 * weights[f"lin{number}.model.1.weight"].reshape(1, -1, 1, 1)
        expected += float(weighted.sum(1).mean())
    measured = the_value(show(LpipsGauge(file, picture, 16, CPU), [frame], None), "lpips")
    assert measured == pytest.approx(expected, rel=1e-5)
    assert measured > 0.01


def test_the_heads_may_be_there_once(weights: dict[str, torch.Tensor], tmp_path: Path):
    once = {name: tensor for name, tensor in weights.items() if not name.startswith("lins.")}
    save_file(once, tmp_path / "lpips.safetensors")
    picture = draw(0, 64, 96)
    assert show(LpipsGauge(tmp_path / "lpips.safetensors", picture, 16, CPU), [picture], None)["lpips"].value == 0


def refused(weights: object, folder: Path, message: str) -> None:
    torch.save(weights, folder / "others.pth")
    with pytest.raises(InputError, match=f"metrics.lpips='.*others.pth': {re.escape(message)}") as caught:
        LpipsGauge(folder / "others.pth", draw(0, 64, 96), 16, CPU)
    assert "\n" not in str(caught.value)
    assert "lpips.LPIPS(net='alex')" in caught.value.remedy


def test_other_weights_are_refused(weights: dict[str, torch.Tensor], tmp_path: Path):
    heads = {name: tensor for name, tensor in weights.items() if name.startswith("lin")}
    refused(heads, tmp_path, "it lacks 12 tensors (such as 'scaling_layer.shift')")
    refused(weights | {"fc.weight": torch.ones(2)}, tmp_path, "it has a tensor 'fc.weight' that the network has not")
    misshapen = weights | {"lin0.model.1.weight": torch.ones(1, 32, 1, 1)}
    refused(misshapen, tmp_path, "it has 'lin0.model.1.weight' with shape [1, 32, 1, 1] and not [1, 64, 1, 1]")
    endless = weights | {"lin0.model.1.weight": torch.full((1, 64, 1, 1), torch.inf)}
    refused(endless, tmp_path, "it has a tensor 'lin0.model.1.weight' with numbers that are not finite")
    torn = weights | {"lins.2.model.1.weight": torch.ones(1, 384, 1, 1)}
    refused(torn, tmp_path, "'lin2.model.1.weight' is not what it has under the head's other name")
    refused([1, 2, 3], tmp_path, "it holds something other than a table of tensors")
    refused(Path("anything"), tmp_path, "it holds something other than a table of tensors")


def test_a_damaged_file_is_refused(file: Path):
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match="it cannot be read"):
        LpipsGauge(file, draw(0, 64, 96), 16, CPU)
