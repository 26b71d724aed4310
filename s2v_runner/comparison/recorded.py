"""What the record of a finished point says in numbers. Nothing is decoded: a search goes by the same as the page."""

from pathlib import Path

from s2v_runner.comparison.clocks import measure_times
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Measure, unknown
from s2v_runner.tracking.journal import read_steps
from s2v_runner.tracking.record import Record

_UNMEASURED = unknown("it was not measured when the video was made")


def recorded_measures(record: Record, folder: Path) -> dict[str, Measure]:
    """Everything that is known of a finished point without its video, by the keys of metrics."""
    return {**recorded_costs(record, folder), **recorded_qualities(record)}


def recorded_costs(record: Record, folder: Path) -> dict[str, Measure]:
    """Time and memory that the making took."""
    return measure_times(record, read_steps(folder))


def recorded_qualities(record: Record) -> dict[str, Measure]:
    """What was measured of the video as its frames were made."""
    found = {key: Measure(entry["value"], entry["reason"]) for key, entry in record.measures.items()}
    return {metric.key: found.get(metric.key, _UNMEASURED) for metric in VIDEO_METRICS}
