"""Where people are."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle around a person, in pixels from the upper left corner of the picture."""

    left: float
    top: float
    right: float
    bottom: float
    score: float
    """How certain it is that someone is there."""

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def moved(self, right: float, down: float) -> "Box":
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down, self.score)


def overlap(one: Box, other: Box) -> float:
    """The area that two have in common, of the area that either covers: 0 … 1."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    common = max(0.0, width) * max(0.0, height)
    covered = one.area + other.area - common
    return common / covered if covered > 0 else 0.0


def distance(one: Box, other: Box) -> float:
    """From centre to centre, in pixels."""
    return math.dist(one.centre, other.centre)
