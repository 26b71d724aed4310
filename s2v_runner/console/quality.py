"""What was measured of a video, on a line."""

from collections.abc import Mapping
from typing import Any

from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Metric

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


def _say(metric: Metric, value: float) -> str:
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{metric.name[0].lower()}{metric.name[1:]} {value:.{metric.digits}f}{unit}"
