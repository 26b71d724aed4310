"""The recommendation in words."""

from collections.abc import Mapping, Sequence

from s2v_runner.findings.finding import Against, Price, Subject
from s2v_runner.findings.wording import (
    DO_NOT_TELL,
    capitalise,
    digits_for,
    say_amount,
    say_draws,
    say_interval,
    say_list,
    say_names,
    say_number,
    say_settings,
)
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

_ADVICE = "add base_seed=0,1000,2000,3000,4000"


def say_no_choice(units: int, draws: Sequence[str]) -> str:
    """Why nothing is claimed of so few draws."""
    if units == 1:
        return f"one seed only; {_ADVICE}" if draws in ((), ("base_seed",)) else f"one draw only; {_ADVICE}"
    return f"{units} draws only, and chance is not told from effect by fewer than three; {_ADVICE}"


def say_unsure(primary: Metric, units: int, needed: int | None) -> str:
    """Why a metric cannot hold a choice back."""
    limit = say_amount(primary.notable or 0, primary, primary.digits)
    would = f"; about {needed} draws would tell" if needed is not None else ""
    return f"with {units} draws a loss of {limit} in {primary.name} could go unseen{would}"


def say_choice(subject: Subject, settings: Mapping[str, Value], reference: Mapping[str, Value], primary: Metric) -> str:
    """What to use."""
    if settings == reference:
        why = f"the best mean of {primary.name}, and nothing faster is shown to be as good"
    else:
        why = "the fastest that is shown to be no worse than the best by more than matters"
    return f"Use {say_settings(subject, settings)}: {why}."


def say_reasons(
    subject: Subject,
    settings: Mapping[str, Value],
    reference: Mapping[str, Value],
    slowest: Mapping[str, Value],
    primary: Metric,
    prices: Sequence[Price],
    unguarded: Sequence[Metric],
    units: int,
) -> str:
    """What it costs and gives beside the best and beside the slowest, and what is not known of it."""
    parts = []
    if settings != reference:
        parts.append(
            f"Beside the best mean of {primary.name}, that of {say_settings(subject, reference)},"
            f" {_say_prices(subject, prices, 'reference', primary)}"
        )
    if slowest not in (settings, reference):
        parts.append(
            f"Beside the slowest, {say_settings(subject, slowest)}, {_say_prices(subject, prices, 'slowest', primary)}"
        )
    if unguarded:
        parts.append(
            f"{capitalise(DO_NOT_TELL)} what it does to {say_names(unguarded)}:"
            f" with {units} draws a loss there that matters could go unseen"
        )
    return " ".join(f"{part}." for part in parts)


def _say_prices(subject: Subject, prices: Sequence[Price], against: Against, primary: Metric) -> str:
    """The time and the primary metric; the others are in the data."""
    words = []
    for price in prices:
        metric = subject.metric(price.metric)
        if price.against == against and (metric.kind == "time" or metric == primary):
            words.append(_say_price(metric, price))
    draws = [price.n for price in prices if price.against == against]
    return f"{say_list(words)} ({say_draws(min(draws))})" if words else "nothing can be said"


def _say_price(metric: Metric, price: Price) -> str:
    digits = digits_for(metric, price.low, price.high)
    interval = say_interval(price.low, price.high, digits)
    if metric.kind == "time":
        word = "less" if price.difference < 0 else "more"
        amount = say_amount(abs(price.difference), metric, digits)
        low, high = sorted((abs(price.low), abs(price.high)))
        sure = say_interval(low, high, digits) if price.low * price.high > 0 else interval
        return f"it takes {amount} {word} ({sure})"
    if price.difference == price.low == price.high == 0:
        return f"{metric.name} is exactly the same"
    word = "lower" if price.difference < 0 else "higher"
    return f"{metric.name} is {say_number(abs(price.difference), digits)} {word} ({interval})"
