"""What was measured of a video, on a line."""

from collections.abc import Mapping
from typing import Any

from s2v_runner.comparison.measures import LIKENESS_METRICS
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Measure, Metric

_SHOWN = ("mouth_r", "mouth_lag", "sync_c", "face_similarity", "picture_ssim", "colour_drift", "flicker", "seam_jump")
"""Those that say most; the others are in the record."""


def quality_line(measures: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The measures that say most, and why it is not known whether the mouth goes with the speech; None without any."""
    if not measures:
        return None
    metrics = {metric.key: metric for metric in VIDEO_METRICS}
    shown = [(metrics[key], measures[key]["value"]) for key in _SHOWN if key in measures]
    words = [_say(metric, value) for metric, value in shown if value is not None]
    unsaid = measures.get("mouth_r", {}).get("reason")
    parts = [", ".join(words), *([f"of the mouth: {unsaid}"] if unsaid else [])]
    return "; ".join(part for part in parts if part)


def pair_lines(
    likeness: Mapping[str, Measure],
    measures: Mapping[str, Mapping[str, Any]],
    baseline: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """How near a run is to its baseline, and for each metric that both have its value and the baseline's."""
    lines = []
    for metric in LIKENESS_METRICS:
        measure = likeness[metric.key]
        said = measure.reason if measure.value is None else _number(metric, measure.value)
        lines.append(f"{metric.name:<32}{said}")
    for metric in VIDEO_METRICS:
        values = [each[metric.key]["value"] for each in (measures, baseline) if metric.key in each]
        numbers = [_number(metric, value) for value in values if value is not None]
        if len(numbers) == 2:
            lines.append(f"{metric.name:<32}{numbers[0]}, and {numbers[1]} in the baseline")
    return lines


def _say(metric: Metric, value: float) -> str:
    return f"{metric.name[0].lower()}{metric.name[1:]} {_number(metric, value)}"


def _number(metric: Metric, value: float) -> str:
    return f"{value:.{metric.digits}f}{f' {metric.unit}' if metric.unit else ''}"
