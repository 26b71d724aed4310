"""Which rows of a video's frames are worked on here, where several processes share them: a strip of each frame.

Every layer sees a row or two past its strip. What it sees there is asked for where it is needed, so that a shared video
is the one that a single process makes, but for rounding.
"""

from collections.abc import Callable
from typing import Protocol

import torch

Write = Callable[[torch.Tensor, torch.Tensor], object]
"""Writes a chunk, worked over or not, to where a convolution will read it: both dense in channels-last memory."""


class Strip(Protocol):
    """This process's rows of the frames of one video; every method is called by all that share it.

    At every resolution each row of the latents is equally many rows, and a strip begins and ends with one of them.
    """

    @property
    def halo(self) -> int:
        """Rows above and below a chunk's own that are laid out for a 3 × 3 convolution: 1, or 0 where it pads."""
        ...

    def own(self, whole: torch.Tensor) -> torch.Tensor:
        """The rows of this strip. Rows are the axis before the last, or anything of which each has equally many."""
        ...

    def whole(self, own: torch.Tensor) -> torch.Tensor:
        """The rows of all strips, of which each process gives its `own`."""
        ...

    def lay(self, hidden_TCHW: torch.Tensor, target_TCHW: torch.Tensor, write: Write) -> None:
        """Write a chunk between its halos in `target_TCHW`, and into these what the strips beside this one wrote.

        Beyond the frame there are zeros.
        """
        ...

    def extend(self, hidden_TCHW: torch.Tensor, above: int, below: int) -> torch.Tensor:
        """The chunk with so much of its halos, 0 or 1; as it is where the convolution pads."""
        ...


class Strips(Protocol):
    """How the frames of a video are shared."""

    def of(self, latent_rows: int) -> Strip:
        """This process's strip of a video whose latents have so many rows."""
        ...


class _WholeFrame:
    """The strip that is all there is."""

    halo = 0

    def own(self, whole: torch.Tensor) -> torch.Tensor:
        return whole

    def whole(self, own: torch.Tensor) -> torch.Tensor:
        return own

    def lay(self, hidden_TCHW: torch.Tensor, target_TCHW: torch.Tensor, write: Write) -> None:
        write(hidden_TCHW, target_TCHW)

    def extend(self, hidden_TCHW: torch.Tensor, above: int, below: int) -> torch.Tensor:
        return hidden_TCHW


class _WholeFrames:
    def of(self, latent_rows: int) -> Strip:
        return WHOLE_FRAME


WHOLE_FRAME: Strip = _WholeFrame()
WHOLE_FRAMES: Strips = _WholeFrames()
"""One process has them to itself."""
