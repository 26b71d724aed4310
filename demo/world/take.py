"""Takes: somebody who says something and moves, with a picture of them beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from demo.world.identity import Identities, draw_identities
from demo.world.mouth import MouthTrack
from demo.world.performance import Acts, Performances, draw_acts, perform

_SMILING_PICTURES = 0.15


@dataclass(frozen=True)
class Takes:
    """B takes of V frames, on the CPU until they are drawn."""

    identities: Identities
    acts: Acts
    performances: Performances
    portraits: Performances
    """One frame [B, 1]: how each of them looks in the picture that the model is given."""

    def select(self, indices: torch.Tensor | slice) -> "Takes":
        """Some of the takes, by number."""
        return Takes(
            self.identities.select(indices),
            self.acts.select(indices),
            self.performances.select(indices),
            self.portraits.select(indices),
        )


def draw_takes(mouths: Sequence[MouthTrack], generator: torch.Generator) -> Takes:
    """Somebody new for each mouth. In the pictures they mostly look into the camera with their mouths closed."""
    count = len(mouths)
    identities = draw_identities(count, generator)
    acts = draw_acts(count, generator)
    performances = perform(mouths, acts, generator)
    return Takes(identities, acts, performances, _draw_portraits(count, generator))


def _draw_portraits(count: int, generator: torch.Generator) -> Performances:
    smiles = torch.rand(count, generator=generator) < _SMILING_PICTURES
    none = torch.zeros(count, dtype=torch.bool)
    acts = Acts(nod=none, turn=torch.zeros(count, dtype=torch.int64), smile=smiles, still=none)
    closed = MouthTrack(*(np.full(1, value, np.float32) for value in (0.0, 0.5, 0.0)))
    portraits = perform([closed] * count, acts, generator)
    return Performances(**{**vars(portraits), "blink": torch.zeros(count, 1)})


def cut_mouth(track: MouthTrack, begin: int, frames: int) -> MouthTrack:
    """A piece of a track; before its first frame and after its last the mouth is at rest."""
    rest = {"opening_V": 0.0, "width_V": 0.5, "rounding_V": 0.0}
    length = len(track.opening_V)
    wanted = np.arange(begin, begin + frames)
    inside = (wanted >= 0) & (wanted < length)
    pieces = {}
    for name, value in rest.items():
        values = getattr(track, name)[np.clip(wanted, 0, length - 1)]
        pieces[name] = np.where(inside, values, value).astype(np.float32)
    return MouthTrack(**pieces)


def begin_like(portraits: Performances, performances: Performances, frames: int) -> Performances:
    """The performances, but the heads move from where they are in the pictures during the first `frames`."""
    share = torch.linspace(0, 1, frames + 1)[1:]
    length = performances.opening.shape[1]
    share = torch.cat((share, torch.ones(max(0, length - frames))))[:length]
    moved = {}
    for name in ("smile", "yaw", "pitch", "sway_x", "sway_y"):
        moved[name] = torch.lerp(getattr(portraits, name).expand(-1, length), getattr(performances, name), share)
    return Performances(**{**vars(performances), **moved})
