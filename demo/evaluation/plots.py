"""The figures as pictures. matplotlib is asked for only here, and only when something is drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from demo.evaluation.figures import Figures
from demo.evaluation.measures import Estimate
from s2v_runner.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = (
    ("r opening", "mouth opening, r"),
    ("r width", "width of the mouth, r"),
    ("closures found", "closures found"),
    ("motion to true motion", "motion of the mouth / true"),
    ("ssim", "likeness to the person, SSIM"),
    ("asked acts shown", "asked acts shown"),
)
_DOTS_AN_INCH = 90
_INK, _PAPER = "#2b5c8a", "#c9d8e6"


def plot_effect(path: Path, setting: str, values: Sequence[object], arms: Sequence[Figures], default: object) -> None:
    """One setting against six figures, with their intervals; the default is marked. Raises InputError."""
    picture = _blank(9.0, 4.6)
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    places = numbers if len(numbers) == len(values) else [float(place) for place in range(len(values))]
    for panel, (name, title) in enumerate(_PANELS, start=1):
        axes = picture.add_subplot(2, 3, panel)
        _draw(axes, places, [arm[name] for arm in arms], joined=bool(numbers))
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(setting, fontsize=8)
        if numbers:
            axes.set_xscale("log" if max(numbers) > 10 * min(numbers) else "linear")
        axes.set_xticks(places, [str(value) for value in values])
        axes.minorticks_off()
        if default in values:
            axes.axvline(places[values.index(default)], color="#999999", linewidth=0.8, linestyle=":")
    _save(picture, path)


def plot_lags(path: Path, curves: Mapping[str, Mapping[int, Estimate]]) -> None:
    """r of the opening at each lag, a curve for each arm. Raises InputError."""
    picture = _blank(5.0, 3.2)
    axes = picture.add_subplot()
    for label, curve in curves.items():
        axes.plot(list(curve), [one.value for one in curve.values()], marker="o", markersize=3, label=label)
    axes.axvline(0, color="#999999", linewidth=0.8, linestyle=":")
    axes.set_xlabel("frames by which the lips are late", fontsize=8)
    axes.set_ylabel("mouth opening, r", fontsize=8)
    axes.legend(fontsize=8)
    _save(picture, path)


def _draw(axes: "Axes", places: Sequence[float], estimates: Sequence[Estimate], joined: bool) -> None:
    """A line where the places are numbers, else points by themselves."""
    values, lows, highs = ([getattr(one, edge) for one in estimates] for edge in ("value", "low", "high"))
    if joined:
        axes.fill_between(places, lows, highs, color=_PAPER)
    else:
        axes.vlines(places, lows, highs, color=_PAPER, linewidth=8)
        axes.margins(x=0.3)
    axes.plot(places, values, marker="o", markersize=3, color=_INK, linestyle="-" if joined else "")
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)


def _blank(width: float, height: float) -> "Figure":
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise InputError(
            "the plots", "matplotlib is not installed", "Install the project with its dev extra"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def _save(picture: "Figure", path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=_DOTS_AN_INCH, metadata={"Software": None})
