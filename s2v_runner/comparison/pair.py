"""One run beside another."""

from collections.abc import Mapping
from pathlib import Path

from s2v_runner.comparison.latents import measure_latent_distance
from s2v_runner.comparison.measures import LIKENESS_METRICS
from s2v_runner.comparison.meters import SAME, LikenessMeter
from s2v_runner.comparison.reading import Footage, read_footage
from s2v_runner.errors import InputError
from s2v_runner.metrics.measures import Measure, unknown
from s2v_runner.tracking.record import read_record
from s2v_runner.video.reading import open_video


def measure_likeness(folder: Path, baseline: Path) -> Mapping[str, Measure]:
    """How near a run is to another, by the keys of the metrics of likeness.

    Raises InputError for a folder that is no run which has finished, and for a video that is not whole.
    """
    one, other = _read(folder), _read(baseline)
    if one.sha256 == other.sha256:
        return SAME
    if (one.width, one.height) != (other.width, other.height):
        reason = unknown(f"it is {one.width}x{one.height}, and its baseline is {other.width}x{other.height}")
        return {metric.key: reason for metric in LIKENESS_METRICS}
    with open_video(one.measured) as frames, open_video(other.measured) as others:
        meter = LikenessMeter(iter(others))
        for frame in frames:
            meter.take(frame)
    return {**meter.read(), "latent_distance": measure_latent_distance(one.latents, other.latents)}


def _read(folder: Path) -> Footage:
    record = read_record(folder)
    if record.status != "FINISHED":
        raise InputError(f"run '{folder}'", f"it is {record.status}", "Give a run that has finished")
    return read_footage(folder, record)
