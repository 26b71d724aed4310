"""Shapes with smooth edges on many pictures at once.

Pictures reach from -1 to 1 in both directions, x to the right and y down. What depends on columns or rows alone is
kept as [N, 1, W] or [N, H, 1], which costs next to nothing; only whole pictures [N, H, W] are dear.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Canvas:
    """A part of N pictures that is being drawn on."""

    colours: Tensor  # [N, 3, H, W], drawn on in place
    x: Tensor  # [1, 1, W]
    y: Tensor  # [1, H, 1]
    pixel: float  # the side of a pixel

    @classmethod
    def over(cls, colours: Tensor) -> "Canvas":
        """All of these square pictures [N, 3, H, H]."""
        size = colours.shape[-1]
        middles = (torch.arange(size, device=colours.device, dtype=torch.float32) + 0.5) * (2 / size) - 1
        return cls(colours, middles[None, None, :], middles[None, :, None], 2 / size)

    def within(self, left: float, top: float, right: float, bottom: float) -> "Canvas":
        """The part of it between these borders; what is drawn there is drawn on the whole."""
        size = 2 / self.pixel
        columns = slice(*(round((border + 1) / 2 * size) for border in (max(left, -1.0), min(right, 1.0))))
        rows = slice(*(round((border + 1) / 2 * size) for border in (max(top, -1.0), min(bottom, 1.0))))
        return Canvas(self.colours[:, :, rows, columns], self.x[:, :, columns], self.y[:, rows], self.pixel)

    def paint(self, colour: Tensor, cover: Tensor) -> None:
        """Lay a colour [N, 3] over the pictures where a shape [N, H, W] covers them."""
        self.colours.lerp_(colour[:, :, None, None], cover[:, None])


def oval(across: Tensor, down: Tensor, width: Tensor | float, height: Tensor | float, pixel: float) -> Tensor:
    """How far an ellipse covers each pixel [N, H, W], 0 ... 1.

    `across` [N, 1, W] and `down` [N, H, 1] count from its centre; `width` and `height` are its half axes. The edge is
    about `pixel` wide where the ellipse is nearest to its centre, and softer at its far ends.
    """
    return cover_oval((across / width).square(), (down / height).square(), width, height, pixel)


def cover_oval(across: Tensor, down: Tensor, width: Tensor | float, height: Tensor | float, pixel: float) -> Tensor:
    """The same for two terms that add up to 1 on the outline."""
    steepness = torch.minimum(torch.as_tensor(width), torch.as_tensor(height)) / (2 * pixel)
    return (steepness * (1 - across) + 0.5 - steepness * down).clamp_(0, 1)


def above(border: Tensor, y: Tensor, pixel: float) -> Tensor:
    """1 above a border, 0 below; a border by columns makes a whole picture, one for each picture makes rows."""
    return ((border - y) / pixel + 0.5).clamp(0, 1)


def band(middle: Tensor, y: Tensor, thickness: Tensor, pixel: float) -> Tensor:
    """A line of this half thickness by columns [N, 1, W] that follows a middle by columns [N, 1, W]."""
    edge = thickness / pixel + 0.5
    return (edge - (y - middle).abs_().mul_(1 / pixel)).clamp_(0, 1)
