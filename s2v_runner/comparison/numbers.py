"""Every number of a point, or why there is none."""

from collections.abc import Mapping

from s2v_runner.comparison.measures import METRICS
from s2v_runner.comparison.reading import ComparedPoint, PointStatus
from s2v_runner.comparison.recorded import recorded_costs, recorded_qualities
from s2v_runner.comparison.viewing import ViewedPoint
from s2v_runner.metrics.measures import Measure, known, unknown

_MIB = 2**20
_UNFINISHED: Mapping[PointStatus, str] = {
    "FAILED": "it failed",
    "KILLED": "it was stopped",
    "RUNNING": "it is being made",
    "MISSING": "it has not been begun",
}


def measure_point(viewed: ViewedPoint) -> dict[str, Measure]:
    """A measure for every metric, by its key."""
    point = viewed.point
    found = {**_of_making(point), **_of_record(point), **_of_file(point), **viewed.measures}
    none = unknown(_UNFINISHED.get(point.status) or point.error or "its video is gone")
    return {metric.key: found.get(metric.key, none) for metric in METRICS}


def _of_making(point: ComparedPoint) -> dict[str, Measure]:
    """Of what was finished; its video may have gone since."""
    if point.record is None or point.record.status != "FINISHED":
        return {}
    return recorded_costs(point.record, point.folder)


def _of_record(point: ComparedPoint) -> dict[str, Measure]:
    """What was measured as its frames were made."""
    if point.footage is None or point.record is None:
        return {}
    return recorded_qualities(point.record)


def _of_file(point: ComparedPoint) -> dict[str, Measure]:
    if point.footage is None:
        return {}
    return {"file_mib": known(point.footage.bytes / _MIB)}
