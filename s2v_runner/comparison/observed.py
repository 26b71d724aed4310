"""What a comparison's numbers tell, as data for its page and for other programs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from s2v_runner.comparison.measures import COST_METRICS, LIKENESS_METRICS
from s2v_runner.comparison.table import MeasuredPoint
from s2v_runner.findings.analysis import find
from s2v_runner.findings.finding import Findings, Subject
from s2v_runner.findings.observations import Observation
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.tracking.definition import SweepDefinition
from s2v_runner.tracking.sweep_translation import short_names

_NOT_OF_THE_POINT = ("host_gib",)
"""What the points before have a part in."""


def find_in(definition: SweepDefinition, points: Sequence[MeasuredPoint]) -> Findings:
    """What the finished points of a sweep tell."""
    costs = tuple(metric for metric in COST_METRICS if metric.key not in _NOT_OF_THE_POINT)
    subject = Subject(
        metrics=(*VIDEO_METRICS, *LIKENESS_METRICS, *costs),
        closeness=frozenset(metric.key for metric in LIKENESS_METRICS),
        names=short_names(definition.swept),
        is_search=definition.search is not None,
    )
    return find(definition.swept, [_observe(point) for point in points if _is_finished(point)], subject)


def findings_data(findings: Findings) -> dict[str, Any]:
    """In the types of JSON; no number in it is infinite or none."""
    return _plain(asdict(findings))


def _is_finished(point: MeasuredPoint) -> bool:
    return point.viewed.point.status in ("FINISHED", "LOST")


def _observe(point: MeasuredPoint) -> Observation:
    definition = point.viewed.point.definition
    known = {key: measure.value for key, measure in point.measures.items() if measure.value is not None}
    return Observation(definition.number, definition.values, known)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
