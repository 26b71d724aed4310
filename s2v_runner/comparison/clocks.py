"""Time and memory of a point, from its record and its step log."""

from collections.abc import Collection, Iterable, Sequence
from statistics import median

from s2v_runner.console.words import CLIP_STAGES
from s2v_runner.metrics.measures import Measure, known, unknown
from s2v_runner.tracking.journal import StepLine
from s2v_runner.tracking.record import Attempt, Record

_GIB = 2**30
_DENOISE, _DECODE = "denoise", "decode"
_OF_MAKING = tuple(name for name in CLIP_STAGES if name != "measure")
_NO_LOG = unknown("its steps were not logged")
_NO_TIMES = unknown("an attempt that made part of it ended before its times were written down")


def measure_times(record: Record, lines: Iterable[StepLine]) -> dict[str, Measure]:
    """The times and the memory of a finished point by the keys of their metrics; `lines` is its step log."""
    # Of a step that was made again after a stop, the last one is in the video.
    steps = {(line.clip, line.step): line for line in lines}
    denoise = sum(line.seconds for line in steps.values())
    attempts = _at_work(record, {line.attempt for line in steps.values()})
    measures = {"denoise_seconds": _NO_LOG, "step_seconds": _NO_LOG}
    if steps:
        measures = {
            "denoise_seconds": known(denoise),
            "step_seconds": known(median(line.seconds for line in steps.values())),
        }
    return measures | {
        "seconds": _making(attempts, denoise if steps else None),
        "decode_seconds": _stage(attempts, _DECODE),
        "device_gib": _peak(attempts, "device", "it was not made on a GPU"),
        "host_gib": _peak(attempts, "host", "it was not written down"),
    }


def _at_work(record: Record, numbers: Collection[int]) -> list[Attempt]:
    """The attempts that steps were kept of, and the one that finished the video."""
    last = len(record.attempts) - 1
    return [attempt for number, attempt in enumerate(record.attempts) if number in numbers or number == last]


def _making(attempts: Sequence[Attempt], denoise: float | None) -> Measure:
    if not all(attempt.stages for attempt in attempts):
        return _NO_TIMES
    # Whatever else there is, such as loading and encoding what was given, the first point does for all.
    others = sum(attempt.stages.get(name, 0.0) for attempt in attempts for name in _OF_MAKING if name != _DENOISE)
    if len(attempts) == 1:
        return known(others + attempts[0].stages.get(_DENOISE, 0.0))
    return _NO_LOG if denoise is None else known(others + denoise)


def _stage(attempts: Sequence[Attempt], name: str) -> Measure:
    if not all(attempt.stages for attempt in attempts):
        return _NO_TIMES
    seconds = [attempt.stages[name] for attempt in attempts if name in attempt.stages]
    return known(sum(seconds)) if seconds else unknown("it was not written down")


def _peak(attempts: Sequence[Attempt], place: str, otherwise: str) -> Measure:
    peaks = [attempt.peak_memory[place] for attempt in attempts if place in attempt.peak_memory]
    return known(max(peaks) / _GIB) if peaks else unknown(otherwise)
