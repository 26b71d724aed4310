"""What the points of a sweep have in common, in words."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from s2v_runner.comparison.reading import ComparedSweep
from s2v_runner.tracking.definition import PointDefinition
from s2v_runner.tracking.destination import without_credentials
from s2v_runner.tracking.record import Record
from s2v_runner.tracking.sweep_translation import short_names, value_text

_COMMIT_SHOWN = 12
_LONGEST_VALUE = 40
_CUT = "…"


def shared_facts(sweep: ComparedSweep) -> list[list[str]]:
    """Pairs of a name and what it is for every finished point, or every one that was begun where none has finished.

    What differs is left out, and what nobody knows.
    """
    begun = [point.record for point in sweep.points if point.record is not None]
    # Those that came to nothing may not have come so far as to know.
    records = [record for record in begun if record.status == "FINISHED"] or begun
    facts = []
    for name, describe in _FACTS.items():
        found = {describe(record) for record in records}
        if len(found) == 1 and (fact := found.pop()):
            facts.append([name, fact])
    drawn = sweep.definition.base_seed
    return [[name, f"{fact}, drawn for all" if name == "seed" and drawn is not None else fact] for name, fact in facts]


def command_text(command: Sequence[str]) -> str:
    """A command as it was typed, without passwords."""
    first, *rest = command
    program = "python -m s2v_runner" if Path(first).name == "__main__.py" else Path(first).name
    return without_credentials(" ".join([program, *map(shlex.quote, rest)]))


def point_name(swept: Sequence[str], point: PointDefinition) -> str:
    """What a point is called: `steps 10, guide_scale 3`."""
    names = short_names(swept)
    words = [f"{names[key]} {_shorten(value_text(point.values[key]))}" for key in swept if key in point.values]
    return ", ".join(words) or f"point {point.number}"


def _shorten(text: str) -> str:
    """Long texts differ at either end: the beginnings of prompts, the ends of paths."""
    if len(text) <= _LONGEST_VALUE:
        return text
    half = (_LONGEST_VALUE - len(_CUT)) // 2
    return text[:half] + _CUT + text[-half:]


def _setting(record: Record, *keys: str) -> Any:
    """A setting as it was carried out, or as it was asked for by what never got so far; None where there is none."""
    value: Any = record.resolved or record.requested
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text_of(*keys: str) -> Callable[[Record], str | None]:
    def describe(record: Record) -> str | None:
        value = _setting(record, *keys)
        return None if value is None else value_text(value)

    return describe


def _file_of(name: str) -> Callable[[Record], str | None]:
    return lambda record: Path(record.inputs[name]["path"]).name if name in record.inputs else None


def _model(record: Record) -> str | None:
    path = record.checkpoint.get("path")
    names = dict.fromkeys((record.choices.get("model"), path and Path(path).name))
    return ", ".join(name for name in names if name) or None


def _size(record: Record) -> str | None:
    plan = record.plan
    return f"{plan['output_width']}x{plan['output_height']}" if "output_width" in plan else None


def _frames(record: Record) -> str | None:
    return str(record.frames["count"]) if record.frames is not None else None


def _device(record: Record) -> str | None:
    device = record.environment.get("device") or {}
    return device.get("name") or device.get("device")


def _commit(record: Record) -> str | None:
    commit = (record.environment.get("code") or {}).get("commit")
    return commit and commit[:_COMMIT_SHOWN]


_FACTS: Mapping[str, Callable[[Record], str | None]] = {
    "seed": lambda record: str(record.base_seed),
    "model": _model,
    "prompt": _text_of("prompt"),
    "picture": _file_of("image"),
    "recording": _file_of("audio"),
    "pose": _file_of("pose"),
    "size": _size,
    "frames": _frames,
    "solver": _text_of("sampler", "solver"),
    "steps": _text_of("sampler", "steps"),
    "guidance": _text_of("sampler", "guide_scale"),
    "shift": _text_of("sampler", "shift"),
    "device": _device,
    "code": _commit,
}
