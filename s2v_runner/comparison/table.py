"""A comparison as data for its page, and as a table for other programs."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from s2v_runner.comparison.baseline import Baseline
from s2v_runner.comparison.measures import LIKENESS_METRICS, METRICS
from s2v_runner.comparison.meters import IDENTICAL
from s2v_runner.comparison.mosaics import Mosaics
from s2v_runner.comparison.reading import ComparedSweep
from s2v_runner.comparison.searched import search_data
from s2v_runner.comparison.sounds import Sounds
from s2v_runner.comparison.summary import command_text, point_name, shared_facts
from s2v_runner.comparison.viewing import ViewedPoint
from s2v_runner.metrics.measures import Measure, Metric
from s2v_runner.records import Value
from s2v_runner.tracking.sweep_translation import short_names, title_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes of text a formula where a table is opened by a program that calculates."""

_UNITS_IN_KEYS = {"s": "seconds", "GiB": "gib", "MiB": "mib"}


@dataclass(frozen=True)
class MeasuredPoint:
    """A point with every number there is of it."""

    viewed: ViewedPoint
    measures: Mapping[str, Measure]


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Everything that a page shows."""

    sweep: ComparedSweep
    points: tuple[MeasuredPoint, ...]
    baseline: Baseline | None
    mosaics: Mosaics
    sounds: Sounds


def page_data(compared: Compared, findings: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What the page is made from, in the types of JSON; no number in it is infinite or none."""
    definition = compared.sweep.definition
    metrics = known_metrics(compared.points)
    return {
        "title": title_of(definition, None),
        "identity": definition.identity,
        "command": command_text(definition.command),
        "made": f"{now:%Y-%m-%d %H:%M}",
        "summary": shared_facts(compared.sweep),
        "parameters": _parameters(compared.sweep),
        "metrics": [asdict(metric) for metric in metrics],
        "findings": findings,
        "search": search_data(definition),
        "baseline": None if compared.baseline is None else compared.baseline.words,
        "points": [_point_data(compared, point, metrics) for point in compared.points],
        "mosaics": [
            {"id": f"mosaic-{index}", "fps": float(mosaic.fps)}
            | {name: getattr(mosaic, name) for name in ("width", "height", "frames")}
            for index, mosaic in enumerate(compared.mosaics.mosaics)
        ],
        "sounds": [
            {"id": f"sound-{index}", "seconds": sound.seconds, "name": sound.name}
            for index, sound in enumerate(compared.sounds.sounds)
        ],
    }


def page_media(compared: Compared) -> dict[str, Path]:
    """The files that go into the page, by the ids that its data has for them."""
    mosaics = {f"mosaic-{index}": mosaic.path for index, mosaic in enumerate(compared.mosaics.mosaics)}
    return mosaics | {f"sound-{index}": sound.path for index, sound in enumerate(compared.sounds.sounds)}


def known_metrics(points: Sequence[MeasuredPoint]) -> list[Metric]:
    """Those that some point has; of likeness, some point other than the one that it is a likeness to."""
    return [metric for metric in METRICS if any(_has(point, metric) for point in points)]


def table_text(compared: Compared) -> str:
    """The points as CSV with a header, a row each; what is not known is empty."""
    swept = compared.sweep.definition.swept
    metrics = known_metrics(compared.points)
    measured = [_column(metric) for metric in metrics]
    rows = [
        ["number", "status", *swept, *measured, "baseline", "seed", "folder", "video", "identity", "error"],
        *(_row(compared, point, metrics) for point in compared.points),
    ]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([[_cell(value) for value in row] for row in rows])
    return file.getvalue()


def _parameters(sweep: ComparedSweep) -> list[dict[str, Any]]:
    names = short_names(sweep.definition.swept)
    parameters = []
    for key in sweep.definition.swept:
        # True is not 1 here.
        there = [point.values[key] for point in sweep.definition.points if key in point.values]
        values = list({(isinstance(value, bool), value): value for value in there}.values())
        numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        if numeric:
            values.sort(key=lambda value: float(value or 0))
        plain = [_plain(value) for value in values]
        parameters.append({"key": key, "name": names[key], "values": plain, "numeric": numeric})
    return parameters


def _point_data(compared: Compared, measured: MeasuredPoint, metrics: Sequence[Metric]) -> dict[str, Any]:
    point, viewed = measured.viewed.point, measured.viewed
    folder, footage, number = compared.sweep.folder, point.footage, point.number
    tile = compared.mosaics.tiles.get(number)
    measures = {metric.key: measured.measures[metric.key] for metric in metrics}
    return {
        "number": number,
        "name": point_name(compared.sweep.definition.swept, point.definition),
        "values": {key: _plain(value) for key, value in point.definition.values.items()},
        "status": point.status,
        "error": point.error,
        "metrics": {key: measure.value for key, measure in measures.items()},
        "reasons": {key: measure.reason for key, measure in measures.items() if measure.reason is not None},
        "baseline": viewed.baseline,
        "folder": point.folder.relative_to(folder).as_posix(),
        "video": None if footage is None else footage.video.relative_to(folder).as_posix(),
        "width": None if footage is None else footage.width,
        "height": None if footage is None else footage.height,
        "frames": None if footage is None else footage.frames,
        "fps": None if footage is None else float(footage.fps),
        "seconds": None if footage is None else footage.seconds,
        "tile": None if tile is None else asdict(tile),
        "sound": compared.sounds.of_point.get(number),
    }


def _row(compared: Compared, measured: MeasuredPoint, metrics: Sequence[Metric]) -> Sequence[Any]:
    point, sweep = measured.viewed.point, compared.sweep
    video = None if point.footage is None else point.footage.video.relative_to(sweep.folder).as_posix()
    return [
        point.number,
        point.status,
        *(point.definition.values.get(key) for key in sweep.definition.swept),
        *(measured.measures[metric.key].value for metric in metrics),
        measured.viewed.baseline,
        None if point.record is None else point.record.base_seed,
        point.folder.relative_to(sweep.folder).as_posix(),
        video,
        point.definition.identity,
        point.error,
    ]


def _has(measured: MeasuredPoint, metric: Metric) -> bool:
    measure = measured.measures[metric.key]
    if metric in LIKENESS_METRICS and measured.viewed.baseline == measured.viewed.point.number:
        return False
    return measure.value is not None or measure == IDENTICAL


def _column(metric: Metric) -> str:
    """The key of a metric, and its unit where that is not part of it."""
    unit = _UNITS_IN_KEYS.get(metric.unit, metric.unit)
    return metric.key if metric.key.endswith(unit) else f"{metric.key}_{unit}"


def _cell(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(_FORMULA) or _is_number(value):
        return value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(value: Value) -> Value:
    """The value, in words where JSON has no number for it."""
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
