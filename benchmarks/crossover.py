"""When a worker on each GPU ends a sweep sooner than all GPUs together, one video after the other."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.layouts import Cells
from benchmarks.report import Label, Report, Row

_AS_GOOD = 0.999
"""Of the number of processes: a gain that cannot be told from all of it."""


@dataclass(frozen=True)
class Crossover:
    """A line for each number of processes, by the way that gains most.

    n workers make P points in ⌈P/n⌉ times what one takes, a group that is S times as quick makes them in P/S.
    """

    variant: str

    def write(self, reports: Iterable[Report]) -> list[Cells]:
        best: dict[int, Row] = {}
        for report in reports:
            for row in report.rows:
                processes = _number(row.labels, "processes")
                if row.labels["variant"] != self.variant or processes == 1:
                    continue
                if processes not in best or _gain(row) > _gain(best[processes]):
                    best[processes] = row
        table: list[Cells] = [["GPUs", "together by", "times one", "sooner together", "sooner apart"]]
        for processes, row in sorted(best.items()):
            gain = _gain(row)
            few = max(points for points in range(1, processes + 1) if points / gain < 1)
            table.append(
                [
                    str(processes),
                    str(row.labels["way"]),
                    f"{gain:.2f}",
                    "1 point" if few == 1 else f"up to {few} points",
                    _from(processes, gain),
                ]
            )
        return table


def _from(processes: int, gain: float) -> str:
    if gain > _AS_GOOD * processes:
        return "as soon either way where points divide"
    return f"from {always_apart_from(processes, gain)} points"


def always_apart_from(processes: int, gain: float) -> int:
    """The fewest points from which on workers are never later, whether or not the points divide among them."""
    assert gain < processes
    latest = math.ceil(processes * gain / (processes - gain))
    later = (points for points in range(latest, 0, -1) if points / gain < math.ceil(points / processes))
    return next(later, 0) + 1


def _gain(row: Row) -> float:
    gain = row.figures["times_one"]
    assert gain is not None
    return gain


def _number(labels: Mapping[str, Label], name: str) -> int:
    number = labels[name]
    assert isinstance(number, int)
    return number
