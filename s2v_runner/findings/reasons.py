"""The recommendation in words."""

from collections.abc import Sequence

from s2v_runner.findings.finding import Against, Price, Recommendation, Subject
from s2v_runner.findings.wording import (
    DO_NOT_TELL,
    capitalise,
    digits_for,
    say_amount,
    say_draws,
    say_interval,
    say_list,
    say_names,
    say_settings,
)
from s2v_runner.metrics.measures import Metric

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


def say_choice(subject: Subject, found: Recommendation) -> str:
    """What to use."""
    if found.settings == found.reference:
        why = f"the best mean of {_primary(subject, found).name}, and nothing faster is shown to be as good"
    else:
        why = "the fastest that is shown to be no worse than the best by more than matters"
    return f"Use {say_settings(subject, found.settings)}: {why}."


def say_reasons(subject: Subject, found: Recommendation) -> str:
    """What it costs and gives beside the best and beside the slowest, and what is not known of it."""
    parts = []
    if found.settings != found.reference:
        best = f"the best mean of {_primary(subject, found).name}, that of {say_settings(subject, found.reference)}"
        parts.append(f"Beside {best}, {say_prices(subject, found, 'reference')}")
    if found.slowest not in (found.settings, found.reference):
        slowest = say_settings(subject, found.slowest)
        parts.append(f"Beside the slowest, {slowest}, {say_prices(subject, found, 'slowest')}")
    if found.unguarded:
        names = say_names([subject.metric(key) for key in found.unguarded])
        unseen = f"with {found.n} draws a loss there that matters could go unseen"
        parts.append(f"{capitalise(DO_NOT_TELL)} what it does to {names}: {unseen}")
    return " ".join(f"{part}." for part in parts)


def _primary(subject: Subject, found: Recommendation) -> Metric:
    assert found.primary is not None, found
    return subject.metric(found.primary)


def say_prices(subject: Subject, found: Recommendation, against: Against) -> str:
    """The time and the primary metric; the others are in the data."""
    prices = [price for price in found.prices if price.against == against]
    said = [(subject.metric(price.metric), price) for price in prices]
    words = [say_price(metric, price) for metric, price in said if metric.kind == "time" or metric.key == found.primary]
    return f"{say_list(words)} ({say_draws(min(price.n for price in prices))})" if words else "nothing can be said"


def say_price(metric: Metric, price: Price) -> str:
    """What it costs or gives in one metric, with its interval."""
    if price.difference == price.low == price.high == 0:
        return "it takes exactly as long" if metric.kind == "time" else f"{metric.name} is exactly the same"
    digits = digits_for(metric, price.low, price.high)
    amount = say_amount(abs(price.difference), metric, digits)
    if metric.kind != "time":
        word = "lower" if price.difference < 0 else "higher"
        return f"{metric.name} is {amount} {word} ({say_interval(price.low, price.high, digits)})"
    low, high = price.low, price.high
    if low * high > 0:
        low, high = sorted((abs(low), abs(high)))
    word = "less" if price.difference < 0 else "more"
    return f"it takes {amount} {word} ({say_interval(low, high, digits)})"
