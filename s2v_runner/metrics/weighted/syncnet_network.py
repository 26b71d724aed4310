"""SyncNet: two convolutional networks that put lips and speech into one space.

Chung and Zisserman, "Out of time: automated lip sync in the wild" (ACCV 2016 workshops). The layers, and with them the
names of their weights, are those of SyncNetModel.py in joonson/syncnet_python.
"""

from pathlib import Path

import torch
from torch import nn

from s2v_runner.metrics.weighted.tensors import fill, read_tensors

_CHANNELS = 512
EMBEDDING_SIZE = 1024


class SyncNet(nn.Module):
    """Both networks. What `embed_lips` and `embed_sound` give is near to each other when it belongs together."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = _sound_layers()
        self.netfcaud = _embedding_layers()
        self.netfclip = _embedding_layers()
        self.netcnnlip = _lip_layers()

    def embed_lips(self, lips_BCVHW: torch.Tensor) -> torch.Tensor:
        """Windows of 5 crops of a face: [B, 3, 5, 224, 224] → [B, 1024].

        Blue before green before red, 0 to 255.
        """
        return self.netfclip(self.netcnnlip(lips_BCVHW).flatten(1))

    def embed_sound(self, mfcc_B1CF: torch.Tensor) -> torch.Tensor:
        """Windows of 20 frames of 13 coefficients: [B, 1, 13, 20] → [B, 1024]."""
        return self.netfcaud(self.netcnnaud(mfcc_B1CF).flatten(1))


def load_syncnet(key: str, path: Path, device: torch.device) -> SyncNet:
    """The network with the weights of a file. Raises InputError where it is of another network."""
    with torch.device("cpu"):
        network = SyncNet()
    # PyTorch counts batches since 0.4.1; the published weights may be older, and what is counted is not used.
    fill(network, read_tensors(key, path), key, path, lambda name: name.endswith(".num_batches_tracked"))
    return network.to(device)


def _sound_layers() -> nn.Sequential:
    return nn.Sequential(
        *_convolve_2d(1, 64, (3, 3), padding=1),
        nn.Identity(),  # a pooling of 1 by 1 in the original, which the names of the layers count
        *_convolve_2d(64, 192, (3, 3), padding=1),
        nn.MaxPool2d((3, 3), stride=(1, 2)),
        *_convolve_2d(192, 384, (3, 3), padding=1),
        *_convolve_2d(384, 256, (3, 3), padding=1),
        *_convolve_2d(256, 256, (3, 3), padding=1),
        nn.MaxPool2d((3, 3), stride=(2, 2)),
        *_convolve_2d(256, _CHANNELS, (5, 4), padding=0),
    )


def _lip_layers() -> nn.Sequential:
    """All time is taken in by the first convolution."""
    return nn.Sequential(
        *_convolve_3d(3, 96, (5, 7, 7), stride=2, padding=0),
        nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
        *_convolve_3d(96, 256, (1, 5, 5), stride=2, padding=1),
        nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        *_convolve_3d(256, 256, (1, 3, 3), stride=1, padding=1),
        *_convolve_3d(256, 256, (1, 3, 3), stride=1, padding=1),
        *_convolve_3d(256, 256, (1, 3, 3), stride=1, padding=1),
        nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2)),
        *_convolve_3d(256, _CHANNELS, (1, 6, 6), stride=1, padding=0),
    )


def _embedding_layers() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(_CHANNELS, _CHANNELS),
        nn.BatchNorm1d(_CHANNELS),
        nn.ReLU(inplace=True),
        nn.Linear(_CHANNELS, EMBEDDING_SIZE),
    )


def _convolve_2d(channels_in: int, channels_out: int, kernel: tuple[int, int], padding: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(channels_in, channels_out, kernel, padding=padding)
    return convolution, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)


def _convolve_3d(
    channels_in: int, channels_out: int, kernel: tuple[int, int, int], stride: int, padding: int
) -> tuple[nn.Module, ...]:
    """`stride` and `padding` are those of rows and columns; time has neither."""
    convolution = nn.Conv3d(
        channels_in, channels_out, kernel, stride=(1, stride, stride), padding=(0, padding, padding)
    )
    return convolution, nn.BatchNorm3d(channels_out), nn.ReLU(inplace=True)
