"""The points of a sweep as an experiment: settings, independent draws, and pairs that differ in one thing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from s2v_runner.records import Value

DRAWS = (
    "base_seed",
    "inputs",
    "image",
    "audio.path",
    "prompt",
    "prompt_file",
    "pose.path",
    "tts.text",
    "tts.prompt_audio",
    "tts.prompt_text",
)
"""Keys that say by which chance, and of whom or what, a video is made. All others are settings."""

Level = tuple[bool, Value]
"""A value that equals another only where their types do: True is not 1."""


@dataclass(frozen=True)
class Observation:
    """A finished point."""

    number: int
    values: Mapping[str, Value]
    """Of the swept keys."""
    metrics: Mapping[str, float]
    """What is known of it."""


@dataclass(frozen=True)
class Sample:
    """Differences, one of each unit that has any."""

    values: np.ndarray
    units: np.ndarray
    """The number of each one's unit, rising."""
    averaged: float
    """How many pairs are in the mean of a unit."""

    def less(self, other: "Sample") -> "Sample":
        """These differences less others, of the units that have both."""
        units, mine, theirs = np.intersect1d(self.units, other.units, assume_unique=True, return_indices=True)
        # A difference of two means is as rough as one of half as many pairs.
        averaged = 1 / (1 / self.averaged + 1 / other.averaged) if units.size else 0.0
        return Sample(self.values[mine] - other.values[theirs], units, averaged)

    def plus(self, other: "Sample") -> "Sample":
        """The sum of both, of the units that have both."""
        return self.less(Sample(-other.values, other.units, other.averaged))


@dataclass(frozen=True)
class Pairs:
    """Points that are equal in all but what is compared: the row of each in the experiment, and their unit."""

    first: np.ndarray
    second: np.ndarray
    units: np.ndarray

    def differences(self, column: np.ndarray) -> Sample:
        """The second less the first for a metric's column, as the mean of each unit; NaN drops its pair only."""
        found = column[self.second] - column[self.first]
        known = np.isfinite(found)
        units, places, counts = np.unique(self.units[known], return_inverse=True, return_counts=True)
        means = np.bincount(places, found[known], minlength=len(units)) / counts
        return Sample(means, units, float(counts.mean()) if counts.size else 0.0)


class Experiment:
    """Observations of which a unit is one combination of the draws, and a setting any other swept key."""

    def __init__(self, swept: Sequence[str], observations: Sequence[Observation]) -> None:
        self.observations = tuple(observations)
        self.draws = tuple(key for key in swept if key in DRAWS)
        self.settings = tuple(key for key in swept if key not in DRAWS and len(self.levels(key)) > 1)
        units = [self._part(each, self.draws) for each in self.observations]
        self._numbers = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
        self.unit = np.array([self._numbers[unit] for unit in units], dtype=int)
        """Of each observation, counted from 0."""
        self.combinations = {
            combination: np.array(
                [row for row, each in enumerate(self.observations) if self._settings(each) == combination]
            )
            for combination in dict.fromkeys(map(self._settings, self.observations))
        }
        """The rows of each combination of settings."""
        self._found: dict[tuple[tuple[str, Level], ...], Pairs] = {}

    @property
    def units(self) -> int:
        return len(self._numbers)

    def levels(self, key: str) -> list[Value]:
        """The values of a key: numbers by size, anything else in order of appearance."""
        found = [value for _, value in dict.fromkeys(_level(each.values.get(key)) for each in self.observations)]
        return sorted(found, key=_size) if is_ordered(found) else found

    def levels_with(self, key: str, column: np.ndarray) -> list[Value]:
        """Those at which a metric's column has anything."""
        rows = np.flatnonzero(np.isfinite(column))
        there = {_level(self.observations[row].values.get(key)) for row in rows}
        return [value for value in self.levels(key) if _level(value) in there]

    def has(self, values: Mapping[str, Value]) -> np.ndarray:
        """Whether each observation has these values."""
        wanted = {key: _level(value) for key, value in values.items()}
        return np.array(
            [all(_level(each.values.get(key)) == level for key, level in wanted.items()) for each in self.observations]
        )

    def column(self, metric: str) -> np.ndarray:
        """The metric of every observation, NaN where it is not known."""
        return np.array([each.metrics.get(metric, np.nan) for each in self.observations], dtype=float)

    def pairs(self, key: str, first: Value, second: Value) -> Pairs:
        """Every two points that have these values of a setting and are equal in all else."""
        return self._pairs({key: first}, {key: second})

    def pairs_at(self, key: str, first: Value, second: Value, other: str, value: Value) -> Pairs:
        """The same where another setting has one value."""
        return self.pairs_given(key, first, second, {other: value})

    def pairs_given(self, key: str, first: Value, second: Value, given: Mapping[str, Value]) -> Pairs:
        """The same where other settings have one value each."""
        return self._pairs({key: first, **given}, {key: second, **given})

    def between(self, first: tuple[Level, ...], second: tuple[Level, ...]) -> Pairs:
        """The points of two combinations of settings, unit by unit."""
        one, other = (
            {key: value for key, (_, value) in zip(self.settings, combination, strict=True)}
            for combination in (first, second)
        )
        return self._pairs(one, other)

    def _pairs(self, first: Mapping[str, Value], second: Mapping[str, Value]) -> Pairs:
        asked = tuple((key, _level(values[key])) for values in (first, second) for key in values)
        if asked not in self._found:
            self._found[asked] = self._match(first, second)
        return self._found[asked]

    def _match(self, first: Mapping[str, Value], second: Mapping[str, Value]) -> Pairs:
        others = tuple(key for key in (*self.draws, *self.settings) if key not in first)
        matches = [
            (one, other)
            for one, rest in self._rows_with(first, others)
            if (other := self._row(second, others, rest)) is not None
        ]
        rows = np.array(matches, dtype=int).reshape(-1, 2)
        return Pairs(rows[:, 0], rows[:, 1], self.unit[rows[:, 0]])

    def _rows_with(
        self, values: Mapping[str, Value], others: tuple[str, ...]
    ) -> Iterator[tuple[int, tuple[Level, ...]]]:
        wanted = {key: _level(value) for key, value in values.items()}
        for row, each in enumerate(self.observations):
            if all(_level(each.values.get(key)) == level for key, level in wanted.items()):
                yield row, self._part(each, others)

    def _row(self, values: Mapping[str, Value], others: tuple[str, ...], rest: tuple[Level, ...]) -> int | None:
        levels = {key: _level(value) for key, value in values.items()} | dict(zip(others, rest, strict=True))
        return self._by_values.get(tuple(levels[key] for key in (*self.draws, *self.settings)))

    @cached_property
    def _by_values(self) -> dict[tuple[Level, ...], int]:
        keys = (*self.draws, *self.settings)
        return {self._part(each, keys): row for row, each in enumerate(self.observations)}

    def _settings(self, observation: Observation) -> tuple[Level, ...]:
        return self._part(observation, self.settings)

    @staticmethod
    def _part(observation: Observation, keys: Sequence[str]) -> tuple[Level, ...]:
        return tuple(_level(observation.values.get(key)) for key in keys)


def is_ordered(values: Sequence[Value]) -> bool:
    """Whether there is a size to go by."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _level(value: Value) -> Level:
    return isinstance(value, bool), value


def _size(value: Value) -> float:
    assert isinstance(value, int | float)
    return value
