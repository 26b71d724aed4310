"""The perceptual distance of the frames to the picture.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018). Definition: `LPIPS`
of lpips/lpips.py and `alexnet` of lpips/pretrained_networks.py in richzhang/PerceptualSimilarity, version 0.1, whose
names the weights have.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from s2v_runner.metrics.views import View
from s2v_runner.metrics.weighted.files import refuse
from s2v_runner.metrics.weighted.sampled import SampledMean
from s2v_runner.metrics.weighted.tensors import fill, read_tensors

_KEY = "lpips"
_CHANNELS = (64, 192, 384, 256, 256)
# What keeps the original from dividing by a vector of zeros.
_EPSILON = 1e-10


class LpipsGauge(SampledMean):
    """`lpips`, at the size of the video: 0 is the picture itself."""

    def __init__(self, path: Path, picture_HWC: np.ndarray, fps: float, device: torch.device) -> None:
        """picture_HWC: 8 bits, of the size of the frames.

        Raises InputError where the file is not of LPIPS on AlexNet.
        """
        super().__init__("lpips", fps, "the video has no frames")
        self._network = load_lpips(path, device)
        self._device = device
        self._reference = self._extract(picture_HWC)

    def _judge(self, view: View) -> float:
        return float(self._network.compare(self._extract(view.rgb), self._reference))

    @torch.inference_mode()
    def _extract(self, rgb: np.ndarray) -> list[torch.Tensor]:
        image_HWC = torch.tensor(rgb, device=self._device, dtype=torch.float32) / 127.5 - 1
        return self._network.extract(image_HWC.permute(2, 0, 1)[None])


class Lpips(nn.Module):
    """Features of AlexNet, and the weight that people's judgements gave to each."""

    def __init__(self) -> None:
        super().__init__()
        self.scaling_layer = _Scaling()
        self.net = _AlexNet()
        heads = [_Head(channels) for channels in _CHANNELS]
        self.lin0, self.lin1, self.lin2, self.lin3, self.lin4 = heads
        # The same again: the package's state dict has them under both names.
        self.lins = nn.ModuleList(heads)

    def extract(self, image_BCHW: torch.Tensor) -> list[torch.Tensor]:
        """The five layers' features of an image of −1 to 1, each vector of length 1."""
        features = self.net(self.scaling_layer(image_BCHW))
        return [layer / (layer.square().sum(1, keepdim=True).sqrt() + _EPSILON) for layer in features]

    def compare(self, features: list[torch.Tensor], others: list[torch.Tensor]) -> torch.Tensor:
        """The distance of two images by what `extract` gave of them: [B]."""
        heads_and_features = zip(self.lins, features, others, strict=True)
        distances = [head((one - other).square()).mean((1, 2, 3)) for head, one, other in heads_and_features]
        return torch.stack(distances).sum(0)


def load_lpips(path: Path, device: torch.device) -> Lpips:
    """The network with the weights of a file. Raises InputError where it is of another network."""
    tensors = read_tensors(_KEY, path)
    network = Lpips()
    # Version 0.1.0 of the package had the heads under one name only, and safetensors keep no tensor twice.
    fill(network, tensors, _KEY, path, lambda name: name.startswith("lins."))
    for name, tensor in network.state_dict().items():
        if name in tensors and not torch.equal(tensor, tensors[name].to(tensor)):
            raise refuse(_KEY, path, f"'{name}' is not what it has under the head's other name")
    return network.to(device)


class _Scaling(nn.Module):
    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(1, 3, 1, 1))
        self.register_buffer("scale", torch.ones(1, 3, 1, 1))

    def forward(self, image_BCHW: torch.Tensor) -> torch.Tensor:
        return (image_BCHW - self.shift) / self.scale


class _Head(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, difference_BCHW: torch.Tensor) -> torch.Tensor:
        return self.model(difference_BCHW)


class _AlexNet(nn.Module):
    """The convolutions of torchvision's AlexNet, numbered as there, cut behind each activation."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four, five = _CHANNELS
        self.slice1 = _number(0, nn.Conv2d(3, one, 11, stride=4, padding=2), nn.ReLU())
        self.slice2 = _number(2, nn.MaxPool2d(3, stride=2), nn.Conv2d(one, two, 5, padding=2), nn.ReLU())
        self.slice3 = _number(5, nn.MaxPool2d(3, stride=2), nn.Conv2d(two, three, 3, padding=1), nn.ReLU())
        self.slice4 = _number(8, nn.Conv2d(three, four, 3, padding=1), nn.ReLU())
        self.slice5 = _number(10, nn.Conv2d(four, five, 3, padding=1), nn.ReLU())

    def forward(self, image_BCHW: torch.Tensor) -> list[torch.Tensor]:
        features = []
        hidden = image_BCHW
        for part in (self.slice1, self.slice2, self.slice3, self.slice4, self.slice5):
            hidden = part(hidden)
            features.append(hidden)
        return features


def _number(first: int, *layers: nn.Module) -> nn.Sequential:
    numbered = nn.Sequential()
    for number, layer in enumerate(layers, first):
        numbered.add_module(str(number), layer)
    return numbered
