"""Settings that were chosen one by one, in words: a sentence each."""

from s2v_runner.findings.finding import TIME, Against, Choice, Price, Recommendation, Subject
from s2v_runner.findings.reasons import say_price, say_prices
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
    say_value,
)
from s2v_runner.metrics.measures import Metric


def say_choices(subject: Subject, found: Recommendation) -> str:
    """What to use, and what the data do not tell."""
    used = {choice.setting: choice.value for choice in found.choices if choice.verdict != "untold"}
    untold = [choice for choice in found.choices if choice.verdict == "untold"]
    how = "each chosen by itself, averaged over the other settings"
    parts = [f"use {say_settings(subject, used)}, {how if len(used) > 1 else how.removeprefix('each ')}"]
    if untold:
        names = say_list([subject.names[choice.setting] for choice in untold])
        better = say_settings(subject, {choice.setting: choice.value for choice in untold})
        have = "has" if len(untold) == 1 else "have"
        parts.append(f"{DO_NOT_TELL} which {names} to use; {better} {have} the best mean")
    return " ".join(f"{capitalise(part)}." for part in parts)


def say_each(subject: Subject, found: Recommendation) -> str:
    """A line for each setting, and one for all of them together."""
    lines = [choice.text for choice in found.choices]
    rivals: tuple[tuple[Against, str], ...] = (("reference", "best"), ("slowest", "slowest"))
    beside = [
        f"beside the {word} values, {say_settings(subject, getattr(found, against))}, "
        f"{say_prices(subject, found, against)}"
        for against, word in rivals
        if any(price.against == against for price in found.prices)
        and (against == "reference" or found.slowest != found.reference)
    ]
    if beside:
        lines.append(f"Together, {'; '.join(beside)}.")
    return "\n".join(lines)


def say_setting(subject: Subject, primary: Metric, choice: Choice) -> str:
    """Why this value."""
    match choice.verdict:
        case "untold":
            said = _say_untold(subject, primary, choice)
        case "indifferent":
            said = _say_indifferent(subject, primary, choice)
        case "best":
            said = _say_best(subject, primary, choice)
        case "safer":
            said = _say_safer(subject, primary, choice)
        case "faster":
            said = _say_faster(subject, primary, choice)
    return f"{said}{_say_unguarded(subject, choice)}{_say_dependence(subject, choice)}."


def _say_untold(subject: Subject, primary: Metric, choice: Choice) -> str:
    limit = say_amount(primary.notable or 0, primary, primary.digits)
    would = f", and about {choice.needed} draws would tell" if choice.needed is not None else ""
    return (
        f"{capitalise(DO_NOT_TELL)} which {subject.names[choice.setting]} to use: a loss of {limit} in {primary.name}"
        f" could go unseen{would}; {say_value(choice.value)} has the best mean"
    )


def _say_indifferent(subject: Subject, primary: Metric, choice: Choice) -> str:
    return (
        f"{_name(subject, choice)}: it does not matter which, since no value is worse by what matters in any quality"
        f" that could be told, and none is shown to take longer; this one has the best mean of {primary.name}"
        f"{_say_loss(choice, primary, 'reference')}"
    )


def _say_best(subject: Subject, primary: Metric, choice: Choice) -> str:
    said = f"{_name(subject, choice)}: the best mean of {primary.name}{_say_faster_value(subject, choice)}"
    prices = [price for price in choice.prices if price.against == "slowest"]
    if prices:
        words = say_list([say_price(subject.metric(price.metric), price) for price in prices])
        rival = f"{say_value(choice.slowest)}{', which is as good' if choice.slowest in choice.candidates else ''}"
        said += f"; beside {rival}, {words} ({say_draws(min(price.n for price in prices))})"
    return said


def _say_safer(subject: Subject, primary: Metric, choice: Choice) -> str:
    """Lopsided differences can bound the loss of one value and not that of the other."""
    prices = [price for key in (primary.key, TIME) if (price := _price(choice, key, "reference")) is not None]
    words = say_list([say_price(subject.metric(price.metric), price) for price in prices])
    return (
        f"{_name(subject, choice)}: no worse by what matters than {say_value(choice.reference)} in any quality that"
        f" could be told, while {say_value(choice.reference)} has the best mean of {primary.name} but could be worse by"
        f" that much; beside it, {words} ({say_draws(min(price.n for price in prices))})"
    )


def _say_faster(subject: Subject, primary: Metric, choice: Choice) -> str:
    said = (
        f"{_name(subject, choice)}: no worse by what matters than {say_value(choice.reference)}, the best in"
        f" {primary.name}, in any quality that could be told"
    )
    time = _price(choice, TIME, "reference")
    if time is not None:
        metric = subject.metric(TIME)
        digits = digits_for(metric, time.low, time.high)
        after, before = say_number(choice.seconds[1], digits), say_amount(choice.seconds[0], metric, digits)
        less = say_interval(-time.high, -time.low, digits)
        said += f", in {after} instead of {before} ({less} less; {say_draws(time.n)})"
    return f"{said}{_say_loss(choice, primary, 'reference')}{_say_faster_value(subject, choice)}"


def _say_faster_value(subject: Subject, choice: Choice) -> str:
    """Why not the nearest value that takes less."""
    if not choice.faster:
        return ", and nothing is faster"
    faster = f"; {say_value(choice.faster[0])} is faster"
    if choice.withheld:
        return f"{faster} and as good by itself, but what all choices lose together could matter"
    lacking = say_names([subject.metric(key) for key in choice.lacking])
    return (
        f"{faster}, but not shown to be as good in {lacking}" if lacking else f"{faster} by no more than chance has it"
    )


def _say_loss(choice: Choice, primary: Metric, against: Against) -> str:
    price = _price(choice, primary.key, against)
    return "" if price is None else f"; {say_price(primary, price)}"


def _say_unguarded(subject: Subject, choice: Choice) -> str:
    """What holds no choice back at so few draws."""
    if not choice.unguarded or choice.verdict == "untold":
        return ""
    return f"; a loss in {say_names([subject.metric(key) for key in choice.unguarded])} could go unseen"


def _say_dependence(subject: Subject, choice: Choice) -> str:
    """What the settings chosen beside it have to do with it."""
    if not choice.given:
        return ""
    name, given = subject.names[choice.setting], say_settings(subject, choice.given)
    others = say_list([subject.names[key] for key in choice.given])
    if not choice.averaged:
        return f". What {name} does depends on {others}, so it is chosen at {given} alone"
    if not choice.at_given:
        return f". What {name} does depends on {others}, and the points at {given} alone do not tell which to use"
    if choice.at_given == (choice.value,):
        return f". What {name} does depends on {others}; at {given} alone the choice is the same"
    return (
        f". What {name} does depends on {others}; at {given} alone {say_value(choice.at_given[0])} would be chosen,"
        " which was left as it is"
    )


def _name(subject: Subject, choice: Choice) -> str:
    return say_settings(subject, {choice.setting: choice.value})


def _price(choice: Choice, key: str, against: Against) -> Price | None:
    return next((price for price in choice.prices if (price.metric, price.against) == (key, against)), None)
