"""What each point is compared with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

from s2v_runner.config.nearest import suggest
from s2v_runner.errors import InputError
from s2v_runner.records import Value
from s2v_runner.tracking.definition import PointDefinition, SweepDefinition
from s2v_runner.tracking.sweep_translation import short_names, value_text

_STEPS = "sampler.steps"
"""More of it is nearer to what the others stand for."""
_WORD = re.compile(r"(?:^|\s)([A-Za-z_][\w.@/]*)=")
_LISTED = 12


@dataclass(frozen=True)
class Baseline:
    """Which point each is compared with."""

    values: Mapping[str, Value]
    """The swept keys that are named, and the value that the baseline has of each."""
    words: str
    numbers: Mapping[int, int]
    """For each point's number that of its baseline; none for a point that has no such counterpart."""


def choose_baseline(definition: SweepDefinition, words: str | None) -> Baseline | None:
    """The baseline that is named by `key=value` words, or else a sensible one; None where there is none.

    A point is compared with the one that has the named values and is equal to it in every other swept key. Without
    words, that is the one of the most steps where steps are swept, else the first point; in a search, where hardly two
    points differ in one key alone, none. Raises InputError for a key that is not swept or a value that no point has.
    """
    asked = words if words is not None else definition.baseline
    if asked is None and definition.search is not None:
        return None
    values = _usual(definition) if asked is None else read_baseline(definition, asked)
    if not values:
        return None
    by_values = {_values_of(definition, point, {}): point.number for point in reversed(definition.points)}
    found = {point.number: by_values.get(_values_of(definition, point, values)) for point in definition.points}
    numbers = {number: baseline for number, baseline in found.items() if baseline is not None}
    names = short_names(definition.swept)
    return Baseline(values, " ".join(f"{names[key]}={value_text(value)}" for key, value in values.items()), numbers)


def read_baseline(definition: SweepDefinition, words: str) -> dict[str, Value]:
    """What the words name. A key may be given by its end, as `steps`. Raises InputError."""
    starts = list(_WORD.finditer(words))
    if not starts or words[: starts[0].start()].strip():
        raise InputError(f"baseline '{words}'", "it is not key=value", f"For example: {_example(definition)}")
    ends = [*(start.start() for start in starts[1:]), len(words)]
    found: dict[str, Value] = {}
    for start, end in zip(starts, ends, strict=True):
        key = _swept_key(definition, start[1], words)
        found[key] = _value(definition, key, words[start.end() : end].strip(), words)
    return found


def _usual(definition: SweepDefinition) -> dict[str, Value]:
    steps = {point.values.get(_STEPS) for point in definition.points}
    numbers = [value for value in steps if _is_number(value)]
    if len(numbers) > 1:
        return {_STEPS: max(numbers)}
    first = definition.points[0].values
    return {key: first[key] for key in definition.swept if key in first}


def _swept_key(definition: SweepDefinition, given: str, words: str) -> str:
    if given in definition.swept:
        return given
    by_end = [key for key in definition.swept if key.endswith(f".{given}")]
    if len(by_end) == 1:
        return by_end[0]
    remedy = suggest(given, definition.swept) if definition.swept else "Its points have nothing to tell them apart"
    raise InputError(f"baseline '{words}'", f"'{given}' is not swept here", remedy)


def _value(definition: SweepDefinition, key: str, text: str, words: str) -> Value:
    """The value of a point that is written like this."""
    there = [point.values[key] for point in definition.points if key in point.values]
    for value in there:
        if _is_written(value, text):
            return value
    texts = list(dict.fromkeys(value_text(value) for value in there))
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    raise InputError(
        f"baseline '{words}'", f"no point has {key}={text}", f"There is {', '.join(texts[:_LISTED])}{more}"
    )


def _is_written(value: Value, text: str) -> bool:
    bare = text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
    if _is_number(value):
        try:
            return float(bare) == value
        except ValueError:
            return False
    if value is None or isinstance(value, bool):
        return bare.lower() == value_text(value)
    return value in (text, bare)


def _values_of(definition: SweepDefinition, point: PointDefinition, changes: Mapping[str, Value]) -> tuple[object, ...]:
    """What sets a point apart, with some of it changed; equal where all values are."""
    values = {**point.values, **changes}
    # True is not 1 here.
    return tuple((isinstance(values.get(key), bool), values.get(key)) for key in definition.swept)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _example(definition: SweepDefinition) -> str:
    values = definition.points[0].values
    return " ".join(f"{key}={value_text(value)}" for key, value in list(values.items())[:1])
