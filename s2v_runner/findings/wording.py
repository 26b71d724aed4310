"""Findings as sentences."""

import math
from collections.abc import Mapping, Sequence

from s2v_runner.findings.finding import Subject
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value
from s2v_runner.tracking.sweep_translation import value_text

MINUS, THIN_SPACE, NO_BREAK, ARROW = "\u2212", "\u202f", "\u00a0", "\u2192"
DO_NOT_TELL = "these data do not tell"
_MOST_DIGITS = 6
_LONGEST_VALUE = 40


def say_number(value: float, digits: int) -> str:
    """With that many decimals, and a real minus sign."""
    text = f"{abs(value):.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and float(text) != 0 else text


def say_amount(value: float, metric: Metric, digits: int) -> str:
    return say_number(value, digits) + say_unit(metric)


def say_unit(metric: Metric) -> str:
    return f"{THIN_SPACE}{metric.unit}" if metric.unit else ""


def say_share(share: float) -> str:
    """With its sign, in percent."""
    return f"{'+' if share > 0 else ''}{say_number(100 * share, 0 if abs(share) >= 0.1 else 1)}{THIN_SPACE}%"


def say_interval(low: float, high: float, digits: int) -> str:
    return f"{say_number(low, digits)} to {say_number(high, digits)}"


def digits_for(metric: Metric, low: float, high: float) -> int:
    """As many as the metric has, and more where its interval could not be told from a point."""
    half = (high - low) / 2
    if not 0 < half < math.inf:
        return metric.digits
    return max(metric.digits, min(_MOST_DIGITS, -math.floor(math.log10(half))))


def say_settings(subject: Subject, settings: Mapping[str, Value]) -> str:
    """`steps 20 and guide_scale 4.5`."""
    return say_list([f"{subject.names[key]} {say_value(value)}" for key, value in settings.items()])


def say_step(subject: Subject, setting: str, values: Sequence[Value]) -> str:
    """`steps 10 → 20`."""
    return f"{subject.names[setting]} {f' {ARROW} '.join(say_value(value) for value in values)}"


def say_value(value: Value) -> str:
    text = " ".join(value_text(value).split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def say_list(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def say_names(metrics: Sequence[Metric]) -> str:
    return say_list([metric.name for metric in metrics])


def say_draws(draws: int) -> str:
    """`n = 5`, which no line breaks."""
    return f"n{NO_BREAK}={NO_BREAK}{draws}"


def capitalise(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
