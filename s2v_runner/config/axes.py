"""What several values of a setting are: an axis with each of them in turn, or an interval to choose from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from s2v_runner.config.arguments import parse_overrides, sweep_values
from s2v_runner.config.schema import whole_number_keys
from s2v_runner.errors import InputError
from s2v_runner.records import Value

INPUTS = "inputs"
"""The key of the list of inputs, and of the axis that its rows make."""
_REPLICATED = (
    *("base_seed", INPUTS, "image", "audio.path", "prompt", "prompt_file", "pose.path"),
    *("tts.text", "tts.prompt_audio", "tts.prompt_text"),
)
"""What a video is of, and chance: a setting must do well over all of it."""
_LOGARITHMIC = "log"
_STEPS_OF_AN_INTERVAL = 1000
_DIGITS = 4


@dataclass(frozen=True)
class Choice:
    """One of the things that an axis gives in turn."""

    place: str | None
    """Where it was written, when that is not the command line."""
    overrides: tuple[Override, ...]
    value: Value
    """What the point is called by along this axis."""

    @property
    def words(self) -> str:
        """The value as it was written."""
        return self.overrides[0].get_value_element_as_str() if self.place is None else str(self.value)


@dataclass(frozen=True)
class Axis:
    """What changes along one direction of a sweep."""

    key: str
    choices: tuple[Choice, ...]

    @property
    def probes(self) -> tuple[Value, ...]:
        """Values that show whether all of them can be used."""
        return tuple(choice.value for choice in self.choices)

    @property
    def words(self) -> str:
        """What there is to choose from."""
        return ",".join(choice.words for choice in self.choices)

    def choose(self, value: Value) -> Choice:
        """The choice of this value, which must be one of them."""
        return self.choices[self.index_of(value)]

    def index_of(self, value: Value) -> int:
        """Where the value stands among the choices. Raises InputError where it does not."""
        for index, choice in enumerate(self.choices):
            # True is not 1 here.
            if (type(choice.value), choice.value) == (type(value), value):
                return index
        raise InputError(f"{self.key}={value}", f"it is none of {self.words}", "Take away the folder of the search")


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Numbers from `low` to `high`, both of them included."""

    key: str
    low: float
    high: float
    step: float | None
    """From one to the next, counted from `low`; None where all numbers between are meant."""
    is_whole: bool
    """Whether they are whole numbers, and `low`, `high` and `step` are too."""
    is_logarithmic: bool
    """Whether factors count, rather than differences."""

    @property
    def probes(self) -> tuple[Value, ...]:
        """Values that show whether all of them can be used."""
        return tuple(dict.fromkeys((self.round(self.low), self.round(self.high))))

    @property
    def words(self) -> str:
        """What there is to choose from."""
        low, high = self.probes[0], self.probes[-1]
        every = "" if self.step in (None, 1) else f" by {self.step:g}"
        return f"{low}…{high}{every}{' (logarithmic)' if self.is_logarithmic else ''}"

    def round(self, value: float) -> int | float:
        """The number of the interval that stands for this one: of few digits, so that it can be read and comes again.

        To a thousandth of the interval; in a logarithmic one to four digits.
        """
        if self.is_whole:
            return int(value)
        if self.step is not None:
            value = self.low + round((value - self.low) / self.step) * self.step
        scale = abs(value) / 10 ** (_DIGITS - 1) if self.is_logarithmic else self._grain
        decimals = 0 if scale == 0 else max(0, math.ceil(-math.log10(scale)))
        return float(min(max(round(value, decimals), self.low), self.high))

    @property
    def _grain(self) -> float:
        return (self.high - self.low if self.step is None else self.step) / _STEPS_OF_AN_INTERVAL

    def choose(self, value: Value) -> Choice:
        """The choice of a number in it."""
        return Choice(None, tuple(parse_overrides([f"{self.key}={value!r}"], {})), value)


Dimension = Axis | Interval
"""What one direction of a search's space is made of."""


def is_interval(override: Override) -> bool:
    """Whether a value anywhere between two numbers is meant, of which there is no list."""
    return isinstance(override.value(), IntervalSweep)


def is_replicated(key: str) -> bool:
    """Whether a search averages over the values of this key, rather than choosing one."""
    return key in _REPLICATED


def axis_of(override: Override, options: Mapping[str, Sequence[str]]) -> Axis:
    """The values of a setting in turn. Raises InputError for a sweep of which there is no list."""
    if is_interval(override):
        raise InputError(
            f"'{override.input_line}'",
            "an interval has no values to make in turn",
            f"Give {override.key_or_group} values, with commas",
        )
    words = [f"{override.get_key_element()}={value}" for value in sweep_values(override)]
    if not words:
        raise InputError(f"'{override.input_line}'", "there is no value in it", "Give the values, with commas")
    overrides = parse_overrides(words, options)
    return Axis(override.key_or_group, tuple(Choice(None, (each,), _value_of(each)) for each in overrides))


def dimension_of(override: Override, options: Mapping[str, Sequence[str]]) -> Dimension:
    """What a search may choose from for a setting. Raises InputError."""
    sweep = override.value()
    if isinstance(sweep, RangeSweep):
        return _range(override, sweep, axis_of(override, options))
    if not isinstance(sweep, IntervalSweep):
        axis = axis_of(override, options)
        different = {(type(choice.value), choice.value): choice for choice in axis.choices}
        return Axis(axis.key, tuple(different.values()))
    assert sweep.start is not None
    assert sweep.end is not None
    interval = Interval(
        key=override.key_or_group,
        low=sweep.start,
        high=sweep.end,
        step=None,
        is_whole=isinstance(sweep.start, int) and isinstance(sweep.end, int),
        is_logarithmic=_LOGARITHMIC in sweep.tags,
    )
    _check(interval, override)
    return interval


def _range(override: Override, sweep: RangeSweep, axis: Axis) -> Dimension:
    """The numbers of a range have an order, which a search makes use of."""
    if _LOGARITHMIC in sweep.tags:
        raise InputError(f"'{override.input_line}'", "a range has equal steps", "Write tag(log, interval(…))")
    numbers = sorted(choice.value for choice in axis.choices if isinstance(choice.value, int | float))
    if len(numbers) < 2:
        return axis
    return Interval(
        key=axis.key,
        low=numbers[0],
        high=numbers[-1],
        step=abs(sweep.step),
        is_whole=all(isinstance(number, int) for number in numbers),
        is_logarithmic=False,
    )


def _check(interval: Interval, override: Override) -> None:
    """Raises InputError for an interval that no value of the setting lies in."""
    example = "interval(1,6), int(interval(4,40))"
    if not interval.is_whole and interval.key in whole_number_keys():
        problem, example = "it must be a whole number", f"int(interval({interval.low:g},{interval.high:g}))"
    elif not (math.isfinite(interval.low) and math.isfinite(interval.high) and interval.low <= interval.high):
        problem = "its ends are not a smaller and a larger number"
    elif interval.is_logarithmic and interval.low <= 0:
        problem = "a logarithmic interval begins above 0"
    else:
        return
    raise InputError(f"'{override.input_line}'", problem, f"For example: {example}")


def _value_of(override: Override) -> Value:
    value = override.value()
    if isinstance(value, str):
        return value.replace("\\${", "${")
    return value if value is None or isinstance(value, int | float | bool) else str(value)
