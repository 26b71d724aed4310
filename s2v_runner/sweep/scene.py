"""The workers of a sweep as they are seen at one moment."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stand:
    """How far a point is that is being made."""

    point: int
    """Its number."""
    clip: int
    """From 1."""
    clips: int | None
    step: int
    """Done in this clip."""
    steps: int | None
    """Of a clip; None as `clips` until it is planned with what is really heard."""
    seconds: float | None
    """Of the last step; None before the first."""


@dataclass(frozen=True)
class Seat:
    """A worker."""

    name: str
    stand: Stand | None
    """None while it makes nothing: it begins, or waits for others."""


@dataclass(frozen=True)
class Scene:
    """All of them. Points that other commands are making have no seat."""

    seats: tuple[Seat, ...]

    def maker_of(self, point: int) -> str | None:
        """The name of the worker that makes the point of this number."""
        return next((seat.name for seat in self.seats if seat.stand is not None and seat.stand.point == point), None)
