"""The record of a run in MLflow's terms: tags, params and metrics, within what it accepts."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_of
from s2v_runner.tracking.journal import StepLine
from s2v_runner.tracking.record import RECORD_NAME, Record

KEY_TAG = "s2v_run"
"""The tag that MLflow knows a run folder by, whatever became of the answer when the run was created."""
NAME_TAG = "mlflow.runName"
PARENT_TAG = "mlflow.parentRunId"

_LONGEST_KEY = 250
_LONGEST_PARAM = 6000
_ILLEGAL = re.compile(r"[^\w.\- :]|^\.+|^$")
_GIB = 2**30


@dataclass(frozen=True)
class Point:
    """One value of a metric."""

    key: str
    value: float
    milliseconds: int
    """Since the epoch. Never the time of sending: a point that is sent twice must be the same point."""
    step: int


def key_of(folder: Path, record: Record) -> str:
    """What no other run folder has, and this one keeps, wherever the output folder is moved to."""
    first = record.attempts[0]
    # Two sweeps of one process may begin with the same point in the same second.
    depth = 3 if record.kind == "point" else 2
    place = "/".join(folder.parts[-depth:])
    return digest_of(
        {
            "identity": record.identity,
            "started": first.started,
            "host": first.host,
            "process": first.process,
            "place": place,
        }
    )


def tags_of(folder: Path, record: Record, name: str) -> dict[str, str]:
    """What tells it from others, and its name on MLflow's page."""
    tags = {
        NAME_TAG: name,
        KEY_TAG: key_of(folder, record),
        "identity": record.identity,
        "kind": record.kind,
        "status": record.status,
        "host": record.attempts[-1].host,
        # MLflow's own name, which its page shows as the version.
        "mlflow.source.git.commit": _entry(record.environment, "code", "commit"),
        "checkpoint": _entry(record.checkpoint, "digest"),
    }
    return {key: value for key, value in tags.items() if value is not None}


def params_of(record: Record) -> dict[str, str]:
    """What was chosen, what it came to, and the plan, a param each."""
    values = (
        *settings_of(record.choices, record.resolved),
        *_flatten(record.plan, "plan."),
        *_preparations(record.prepared),
    )
    return {legal_key(key): cut(as_text(value), RECORD_NAME) for key, value in values}


def settings_of(choices: Mapping[str, str], settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Choices and single settings, by full names."""
    yield from choices.items()
    yield from _flatten(settings, "")


def _preparations(prepared: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What was done to each input, fact by fact, and what a prompt has become."""
    for name, entry in prepared.items():
        told = {key: entry[key] for key in ("text", "failed") if key in entry}
        yield from _flatten({**entry["facts"], **told}, f"prepared.{name}.")


def points_of_steps(lines: Sequence[StepLine]) -> list[Point]:
    """The seconds of each step, counted through the clips."""
    # No clip begins before another has ended, so the log itself tells how many steps a clip has.
    steps = max((line.step for line in lines), default=0)
    return [Point("step_seconds", line.seconds, round(line.at * 1000), line.clip * steps + line.step) for line in lines]


def points_of_end(record: Record) -> list[Point]:
    """What a run came to, counted through its attempts."""
    last = record.attempts[-1]
    values = {f"stage_seconds.{name}": seconds for name, seconds in _sum_by_name(a.stages for a in record.attempts)}
    for place in {place: None for attempt in record.attempts for place in attempt.peak_memory}:
        peak = max(attempt.peak_memory.get(place, 0) for attempt in record.attempts)
        values[f"peak_memory_gib.{place}"] = peak / _GIB
    values["seconds_total"] = record.seconds
    if record.frames is not None:
        values["frames"] = record.frames["count"]
    values |= {key: entry["value"] for key, entry in record.measures.items() if entry["value"] is not None}
    at, step = milliseconds(last.finished or last.started), len(record.attempts)
    by_clip = [
        Point(legal_key(f"clip.{key}"), value, at, clip)
        for key, values_of_clips in record.clip_measures.items()
        for clip, value in enumerate(values_of_clips)
        if value is not None
    ]
    return [*(Point(legal_key(key), value, at, step) for key, value in values.items()), *by_clip]


def milliseconds(time: str) -> int:
    """Since the epoch, from a time in a record."""
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def legal_key(key: str) -> str:
    """The key, with a _ for what MLflow does not take in one."""
    return _ILLEGAL.sub("_", key)[:_LONGEST_KEY]


def as_text(value: Any) -> str:
    """A value as a param: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cut(text: str, whole_in: str) -> str:
    """The text, no longer than a param may be; what is cut off is named with the file that has all of it."""
    end = f" …[cut, whole in {whole_in}]"
    return text if len(text) <= _LONGEST_PARAM else text[: _LONGEST_PARAM - len(end)] + end


def _entry(values: Mapping[str, Any], *keys: str) -> str | None:
    for key in keys[:-1]:
        values = values.get(key) or {}
    value = values.get(keys[-1])
    return None if value is None else str(value)


def _flatten(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _sum_by_name(parts: Iterable[Mapping[str, float]]) -> list[tuple[str, float]]:
    sums: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            sums[name] = sums.get(name, 0) + value
    return list(sums.items())
