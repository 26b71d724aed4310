"""What the names of figures say: unit, which way is better, and how they are written."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Kind:
    unit: str
    better: Literal["less", "more"] | None
    """None where more is neither better nor worse: counts, and what is given."""
    negligible: float = 0.0
    """A smaller change is of the clock or the rounding, whatever its ratio."""


_SECONDS = Kind("s", "less", 0.01)
# The first whose name is in the figure's; `seconds` last, because rates are named after one second.
_KINDS = {
    "tflop_per_second": Kind("TFLOP/s", "more"),
    "gigabytes_a_second": Kind("GB/s", "more"),
    "gib": Kind("GiB", "less", 0.01),
    "over_weights": Kind("×", "less"),
    "difference": Kind("", "less", 1e-5),
    "psnr": Kind("dB", "more", 0.1),
    "levels": Kind("", "less", 0.01),
    "share": Kind("%", "less"),
    "times_one": Kind("×", "more", 0.02),
    "seconds": _SECONDS,
}
_COUNT = Kind("", None)


def kind_of(name: str) -> Kind:
    return next((kind for part, kind in _KINDS.items() if part in name), _COUNT)


def write_figure(name: str, value: float | None) -> str:
    """For people: a dash for what is not known, no digits that a repetition would not give again."""
    if value is None:
        return "–"
    kind = kind_of(name)
    if kind.unit == "%":
        return f"{100 * value:.1f} %"
    if value == int(value) and kind.better is None:
        return f"{int(value):,}"
    if value == 0:
        return "0"
    if abs(value) < 0.01:
        return f"{value:.1e}".replace("e-0", "e-")
    if abs(value) < 1:
        return f"{value:.2g}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 and kind.unit != "s" else f"{value:.2f}"
