"""What a head does, read off its pictures: by a small network that has seen many drawn people.

A picture is read by itself, without those before and after it. Width and rounding of the mouth are read whether it is
open or not. A narrow mouth may be a small one: how wide somebody's mouth is by nature is not known, so width is read
with an error that is much the same in all frames of one person. The lips of a closed mouth tell little of its rounding,
since some are thick by nature; the teeth in an open one tell it. Readings may lie a little outside of the range of what
is read.
"""

from dataclasses import dataclass, fields
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from demo.world.geometry import head_centre
from demo.world.identity import Identities
from demo.world.performance import Performances

SIDE = 128
"""Rows and columns of the pictures that are read."""

READER_FILE = Path(__file__).with_name("reader.safetensors")
"""The trained reader."""

_FRAMES_AT_ONCE = 256
_GRID = SIDE // 16
_GROUP = 8


@dataclass(frozen=True)
class Readings:
    """What B heads do in V frames, float32 [B, V] each, in the units of `Performances`."""

    opening: Tensor
    width: Tensor
    rounding: Tensor
    smile: Tensor
    yaw: Tensor
    pitch: Tensor
    blink: Tensor
    centre_x: Tensor  # of the head, in half frame sides from the middle of the picture
    centre_y: Tensor


QUANTITIES = tuple(field.name for field in fields(Readings))
# What is usual of each of them, and how far it goes from there.
_MIDDLE = (0.4, 0.5, 0.4, 0.4, 0.0, 0.0, 0.3, 0.0, -0.09)
_SPREAD = (0.3, 0.3, 0.3, 0.3, 0.5, 0.5, 0.35, 0.07, 0.07)


class _Level(nn.Module):
    """Half the side, and then a look around."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.shrink_norm = nn.GroupNorm(outputs // _GROUP, outputs)
        self.look = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.look_norm = nn.GroupNorm(outputs // _GROUP, outputs)

    def forward(self, hidden_NCHW: Tensor) -> Tensor:
        hidden_NCHW = F.silu(self.shrink_norm(self.shrink(hidden_NCHW)))
        return hidden_NCHW + F.silu(self.look_norm(self.look(hidden_NCHW)))


class Reader(nn.Module):
    """The network: what is where on a coarse grid, and from that the Q quantities at once."""

    middle_Q: Tensor
    spread_Q: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 16, 5, stride=2, padding=2)
        self.enter_norm = nn.GroupNorm(16 // _GROUP, 16)
        self.levels = nn.Sequential(_Level(16, 32), _Level(32, 48), _Level(48, 64))
        self.squeeze = nn.Conv2d(64, 16, 1)
        self.gather = nn.Linear(16 * _GRID**2 + 64, 64)
        self.tell = nn.Linear(64, len(QUANTITIES))
        self.register_buffer("middle_Q", torch.tensor(_MIDDLE), persistent=False)
        self.register_buffer("spread_Q", torch.tensor(_SPREAD), persistent=False)

    def forward(self, frames_NCHW: Tensor) -> Tensor:
        """Pictures from -1 to 1 → the quantities [N, Q], in the order of `QUANTITIES`."""
        # Convolutions are quicker with the channels last.
        frames_NCHW = frames_NCHW.contiguous(memory_format=torch.channels_last)
        hidden = F.silu(self.enter_norm(self.enter(frames_NCHW)))
        hidden = self.levels(hidden)
        places, whole = self.squeeze(hidden).flatten(1), hidden.mean((2, 3))
        told = self.tell(F.silu(self.gather(torch.cat((places, whole), 1))))
        return self.middle_Q + self.spread_Q * told.float()


def load_reader(path: Path) -> Reader:
    """A trained reader, float32, ready to read."""
    reader = Reader()
    reader.load_state_dict({name: weight.float() for name, weight in load_file(path).items()})
    return reader.eval()


@torch.no_grad()
def read_faces(reader: Reader, video_BCVHW: Tensor) -> Readings:
    """What the heads in B videos do in each frame. Videos may be on any device, and so are the readings then.

    A few frames at a time are read where the reader is, in float32.
    """
    takes, _, frames, *sides = video_BCVHW.shape
    assert sides == [SIDE, SIDE], f"the reader knows pictures of {SIDE} × {SIDE}"
    frames_NCHW = video_BCVHW.transpose(1, 2).flatten(0, 1)
    device = reader.spread_Q.device
    told = [
        reader(some.to(device, torch.float32)).to(video_BCVHW.device) for some in frames_NCHW.split(_FRAMES_AT_ONCE)
    ]
    return Readings(*torch.cat(told).view(takes, frames, -1).unbind(2))


def true_readings(identities: Identities, performances: Performances) -> Readings:
    """What a reader without errors reads off the drawn takes."""
    centre_x, centre_y = head_centre(identities, performances).unbind(2)
    shared = {name: getattr(performances, name) for name in QUANTITIES if hasattr(performances, name)}
    return Readings(**shared, centre_x=centre_x, centre_y=centre_y)
