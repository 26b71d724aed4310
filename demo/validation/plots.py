"""The findings as a picture. matplotlib is asked for only here, and only when something is drawn."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from demo.validation.findings import Finding
from demo.validation.judging import RELIABLE, Verdict
from s2v_runner.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 5
_WIDTH, _HEIGHT = 2.3, 1.9
"""Of a panel, in inches."""
_DOTS_AN_INCH = 90
_VIDEO, _PAIR = "#c1762b", "#2b5c8a"


def plot_findings(path: Path, findings: Sequence[Finding]) -> None:
    """A panel for each: the share found against the defect's size. Raises InputError."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise InputError(
            "the picture", "matplotlib is not installed", "Install the project with its dev extra"
        ) from error
    rows = math.ceil(len(findings) / _COLUMNS)
    columns = min(_COLUMNS, len(findings))
    picture = Figure(figsize=(max(2, columns) * _WIDTH, rows * _HEIGHT + 0.4), layout="constrained")
    for place, finding in enumerate(findings, start=1):
        _draw(picture.add_subplot(rows, columns, place), finding)
    handles, labels = picture.axes[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=_DOTS_AN_INCH, metadata={"Software": None})


def _draw(axes: "Axes", finding: Finding) -> None:
    defect = finding.defect
    # Evenly, as sizes mostly double.
    places = list(range(len(defect.sizes)))
    _draw_verdict(axes, places, finding.videos, _VIDEO, "in a video")
    _draw_verdict(axes, places, finding.pairs, _PAIR, "in a pair")
    axes.axhline(RELIABLE, color="#999999", linewidth=0.8, linestyle="--", label=f"{100 * RELIABLE:.0f} %")
    axes.set_title(f"{defect.name}\n{defect.metric}", fontsize=8)
    axes.set_xticks(places, [f"{size:g}" for size in defect.sizes])
    axes.set_xlabel(defect.unit, fontsize=7, labelpad=1)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.tick_params(labelsize=7)


def _draw_verdict(axes: "Axes", places: Sequence[int], verdict: Verdict, colour: str, label: str) -> None:
    lows, highs = zip(*(share.find_interval() for share in verdict.found), strict=True)
    axes.fill_between(places, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes.plot(places, [share.value for share in verdict.found], marker="o", markersize=3, color=colour, label=label)
    axes.axhline(verdict.false_alarms.value, color=colour, linewidth=0.8, linestyle=":", label=f"false alarms {label}")
