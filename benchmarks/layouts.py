"""How reports become tables in Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import kind_of, write_figure
from benchmarks.report import Label, Report, Row
from benchmarks.targets import find_target

_SCALED = "_scaled_up"
_HEADINGS = {
    "forward_seconds": "a forward",
    "tflop_per_second": "TFLOP/s",
    "prepare_seconds": "prepare",
    "weights_gib": "weights",
    "peak_gib": "peak memory",
    "difference": "difference",
    "seconds": "seconds",
    "load_seconds": "loading",
    "inspect_seconds": "headers",
    "gigabytes_a_second": "rate",
    "peak_over_weights": "peak to weights",
    "peak_over_size": "peak to weights",
    "largest_error_levels": "largest error, levels",
    "mean_error_levels": "mean error, levels",
    "overhead_seconds_once": "once",
    "overhead_seconds_per_point": "each point",
    "compare_seconds_per_point": "of it the comparison",
    "writing_seconds_per_point": "encoding, apart",
    "full_point_seconds": "a point",
    "overhead_share_of_full_point": "share",
    "latent_psnr": "latents, PSNR",
    "latent_difference": "latents, difference",
    "frame_psnr": "frames, PSNR",
    "frame_difference": "frames, difference",
    "mouth_r": "mouth r",
    "mouth_r_change": "its change",
    "lag_change": "change of the lag",
    "ssim_change": "change of the likeness",
    "face_error_change": "change of the face's colour, levels",
    "step_seconds": "a step",
    "computing_seconds": "of it computing",
    "sent_gigabytes": "sent by a process, GB",
    "times_one": "times one",
    "extrapolated_seconds": "all steps, extrapolated",
}
_HEADINGS_WITH_UNITS = ("TFLOP/s", "seconds", "share", "largest error, levels", "mean error, levels", "difference")
_WORDS = {("clip", "first"): "first clip", ("clip", "later"): "later clips"}

Cells = Sequence[str]


@dataclass(frozen=True)
class Pivot:
    """One figure: a line for each combination of labels, a column for each value of one more."""

    lines: tuple[str, ...]
    column: str
    figure: str
    beside: tuple[str, ...] = ()
    """Figures that are the same in all columns."""
    least: float = 0.0
    """Lines that stay below it everywhere are left out."""

    def write(self, reports: Iterable[Report]) -> list[Cells]:
        rows = [(report.benchmark, row) for report in reports for row in report.rows if self.column in row.labels]
        columns = list(dict.fromkeys(str(row.labels[self.column]) for _, row in rows))
        lines: dict[tuple[str, ...], dict[str, Row]] = {}
        for _, row in rows:
            lines.setdefault(_words(row.labels, self.lines), {})[str(row.labels[self.column])] = row
        benchmark = rows[0][0] if rows else ""
        cases = [next(iter(found.values())).labels for found in lines.values()]
        aims = [
            find_target(benchmark, {name: case[name] for name in self.lines if name in case}, self.figure)
            for case in cases
        ]
        table: list[Cells] = [[*self.lines, *self.beside, *columns, *(["target"] if any(aims) else [])]]
        for (words, found), aim in zip(lines.items(), aims, strict=True):
            values = {name: _value(row, self.figure) for name, row in found.items()}
            known = [value for value, _ in values.values() if value is not None]
            if not known or max(known) < self.least:
                continue
            best = min(known) if len(known) > 1 else None
            beside = [write_figure(name, _first(found.values(), name)) for name in self.beside]
            cells = [_cell(self.figure, *values.get(column, (None, False)), best) for column in columns]
            table.append([*words, *beside, *cells, *([_aim(self.figure, aim)] if any(aims) else [])])
        return table


@dataclass(frozen=True)
class Listing:
    """A line for each row of the reports, a column for each label and figure.

    What a row has as `…_error` of a figure, its standard error, stands beside it.
    """

    labels: tuple[str, ...]
    figures: tuple[str, ...]
    only: Callable[[Mapping[str, Label]], bool] = lambda _: True

    def write(self, reports: Iterable[Report]) -> list[Cells]:
        table: list[Cells] = [[*self.labels, *(_heading(name) for name in self.figures)]]
        for report in reports:
            for row in report.rows:
                if self.only(row.labels):
                    cells = (self._cell(report.benchmark, row, name) for name in self.figures)
                    table.append([*_words(row.labels, self.labels), *cells])
        return table

    def _cell(self, benchmark: str, row: Row, name: str) -> str:
        aim = find_target(benchmark, row.labels, name)
        cell = _cell(name, *_value(row, name), best=None)
        error = row.figures.get(f"{name}_error")
        if error is not None:
            cell = f"{cell} ± {write_figure(name, error)}"
        return cell if aim is None else f"{cell} (target {_aim(name, aim)})"


def to_markdown(table: Sequence[Cells]) -> str:
    heading, *lines = table
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heading, ["---"] * len(heading), *lines))


def _value(row: Row, figure: str) -> tuple[float | None, bool]:
    """A figure, and whether it was scaled up from a part of the model."""
    scaled = row.figures.get(figure + _SCALED)
    return (row.figures.get(figure), False) if scaled is None else (scaled, True)


def _first(rows: Iterable[Row], figure: str) -> float | None:
    return next((value for row in rows if (value := row.figures.get(figure)) is not None), None)


def _cell(figure: str, value: float | None, scaled: bool, best: float | None) -> str:
    written = write_figure(figure, value)
    if best is not None and value == best:
        written = f"**{written}**"
    return f"{written} (scaled up)" if scaled else written


def _aim(figure: str, aim: float | None) -> str:
    return "" if aim is None else f"≤ {aim:g} {kind_of(figure).unit}".strip()


def _heading(figure: str) -> str:
    heading, unit = _HEADINGS.get(figure, figure.replace("_", " ")), kind_of(figure).unit
    return heading if not unit or heading in _HEADINGS_WITH_UNITS else f"{heading}, {unit}"


def _words(labels: Mapping[str, Label], names: Iterable[str]) -> tuple[str, ...]:
    values = {name: str(labels.get(name, "")) for name in names}
    return tuple(_WORDS.get(pair, pair[1].replace("*", "×")) for pair in values.items())
