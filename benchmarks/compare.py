"""Two reports of a benchmark side by side: what grew slower or larger, and what else was different.

    python -m benchmarks compare before.json after.json --tolerance 0.05

The status is 1 when a figure is worse by more than the tolerance, and 2 when there is nothing to compare.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import kind_of, write_figure
from benchmarks.report import Report, read_report
from s2v_runner.errors import InputError

TOLERANCE = 0.05
"""Of a figure, beyond which it counts as worse."""


@dataclass(frozen=True)
class Change:
    """One figure of both reports."""

    name: str
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """After to before."""
        if self.before == 0:
            return 1.0 if self.after == 0 else float("inf")
        return self.after / self.before

    def worse(self, tolerance: float) -> bool:
        kind = kind_of(self.name)
        if kind.better is None or abs(self.after - self.before) <= kind.negligible:
            return False
        if kind.better == "more":
            return self.after < self.before / (1 + tolerance)
        return self.after > self.before * (1 + tolerance)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="as a share (%(default)s)")
    options = parser.parse_args(arguments)
    before, after = read_report(options.before), read_report(options.after)
    for line in differing_surroundings(before, after):
        print(line)
    worse = 0
    for labels, changes in pair_rows(before, after).items():
        print(labels)
        for change in changes:
            is_worse = change.worse(options.tolerance)
            worse += is_worse
            print(_describe(change) + (_verdict(change) if is_worse else ""))
    for line in unpaired_rows(before, after):
        print(line)
    print(f"{worse} of the figures are worse by more than {100 * options.tolerance:g} %")
    return bool(worse)


def pair_rows(before: Report, after: Report) -> dict[str, list[Change]]:
    """The figures that both have, by the labels of their row. Raises InputError where there are none."""
    if before.benchmark != after.benchmark:
        problem = f"one is of '{before.benchmark}', the other of '{after.benchmark}'"
        raise InputError("the two reports", problem, "Give two reports of the same benchmark")
    old, new = _by_labels(before), _by_labels(after)
    pairs = {
        labels: [
            Change(name, figure, other)
            for name, figure in figures.items()
            if figure is not None and (other := new[labels].get(name)) is not None
        ]
        for labels, figures in old.items()
        if labels in new
    }
    if not any(pairs.values()):
        raise InputError("the two reports", "they have no figures in common", "Measure the same cases in both")
    return pairs


def unpaired_rows(before: Report, after: Report) -> Iterator[str]:
    old, new = _by_labels(before), _by_labels(after)
    for found, other, words in ((old, new, "only before"), (new, old, "only after")):
        yield from (f"{words}: {labels}" for labels in found if labels not in other)


def differing_surroundings(before: Report, after: Report) -> Iterator[str]:
    """A line for each thing that was not the same; the code itself is expected not to be."""
    yield from _differences("hardware", before.hardware, after.hardware)
    yield from _differences("versions", before.versions, after.versions)
    yield from _differences("options", before.options, after.options)


def _differences(heading: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield f"other {heading}: {name} {before.get(name)} → {after.get(name)}"


def _by_labels(report: Report) -> dict[str, Mapping[str, float | None]]:
    return {", ".join(f"{name} {value}" for name, value in row.labels.items()): row.figures for row in report.rows}


def _describe(change: Change) -> str:
    before, after = (write_figure(change.name, value) for value in (change.before, change.after))
    return f"  {change.name:32} {before:>10} {after:>10} {change.ratio:8.3f} ×"


def _verdict(change: Change) -> str:
    kind = kind_of(change.name)
    return "  " + ("slower" if kind.unit == "s" or kind.better == "more" else "larger")
