"""Plateaus as findings: a sentence for each metric, and one for all that judge quality."""

from collections.abc import Iterator, Mapping, Sequence

from s2v_runner.findings.finding import Finding, Subject, Verdict
from s2v_runner.findings.plateaus import Plateau
from s2v_runner.findings.wording import (
    DO_NOT_TELL,
    capitalise,
    digits_for,
    say_draws,
    say_interval,
    say_names,
    say_number,
    say_value,
)
from s2v_runner.metrics.measures import Metric
from s2v_runner.records import Value

_MOST_NAMED = 3
Changes = Mapping[tuple[str, str | None, Value], Verdict]
"""By setting, metric and value: how the metric still changes on the last step to there."""


def describe_plateaus(plateaus: Sequence[Plateau], effects: Sequence[Finding], subject: Subject) -> Iterator[Finding]:
    """For each setting first what is said of all metrics that judge quality, then of each metric."""
    changing: Changes = {
        (effect.setting, effect.metric, effect.values[1]): effect.verdict
        for effect in effects
        if effect.kind == "effect" and not effect.whole and effect.verdict in ("raises", "lowers")
    }
    for setting in dict.fromkeys(plateau.setting for plateau in plateaus):
        here = [plateau for plateau in plateaus if plateau.setting == setting]
        verdicts: dict[str, Verdict] = {plateau.metric.key: _verdict(plateau, changing) for plateau in here}
        judging = [plateau for plateau in here if plateau.metric in (subject.guards or subject.close_guards)]
        if judging:
            yield _describe_all(judging, verdicts, subject)
        yield from (_describe(plateau, verdicts[plateau.metric.key], subject) for plateau in here)


def _verdict(plateau: Plateau, changing: Changes) -> Verdict:
    if plateau.start is not None:
        return "same"
    return changing.get((plateau.setting, plateau.metric.key, plateau.highest), "untold")


def _describe(plateau: Plateau, verdict: Verdict, subject: Subject) -> Finding:
    widest, metric = plateau.widest, plateau.metric
    return Finding(
        kind="plateau",
        setting=plateau.setting,
        values=() if plateau.start is None else (plateau.start,),
        other=None,
        other_values=(),
        whole=False,
        metric=metric.key,
        difference=widest.value,
        low=widest.low,
        high=widest.high,
        share=None,
        n=plateau.n,
        p=plateau.p if verdict in ("same", "untold") else None,
        verdict=verdict,
        better=None,
        text=_say(plateau, verdict, subject),
    )


def _say(plateau: Plateau, verdict: Verdict, subject: Subject) -> str:
    metric, name, widest = plateau.metric, subject.names[plateau.setting], plateau.widest
    digits = digits_for(metric, widest.low, widest.high)
    interval = say_interval(widest.low, widest.high, digits)
    if verdict == "same":
        limit = say_number(metric.notable or 0, metric.digits)
        return capitalise(
            f"beyond {name} {say_value(plateau.start)} nothing measurable changes in {metric.name}: every difference is"
            f" within the ±{limit} that would matter (the least sure {interval}; {say_draws(plateau.n)})."
        )
    if verdict == "untold":
        return capitalise(
            f"{DO_NOT_TELL} whether {metric.name} still changes towards {name} {say_value(plateau.highest)}"
            f" ({interval}; {say_draws(plateau.n)})."
        )
    way = "rises" if verdict == "raises" else "falls"
    return f"{metric.name} still {way} at {name} {say_value(plateau.highest)} ({say_draws(plateau.n)})."


def _describe_all(plateaus: Sequence[Plateau], verdicts: Mapping[str, Verdict], subject: Subject) -> Finding:
    def having(*wanted: Verdict) -> list[Metric]:
        return [plateau.metric for plateau in plateaus if verdicts[plateau.metric.key] in wanted]

    told = [plateau for plateau in plateaus if plateau.start is not None]
    setting, name = plateaus[0].setting, subject.names[plateaus[0].setting]
    start = max((plateau.start for plateau in told if isinstance(plateau.start, int | float)), default=None)
    parts = []
    if told:
        parts.append(f"beyond {name} {say_value(start)} nothing measurable changes in {say_names(having('same'))}")
    if changing := having("raises", "lowers"):
        parts.append(f"at {name} {say_value(plateaus[0].highest)} there is still a change in {say_names(changing)}")
    if untold := having("untold"):
        of = say_names(untold) if len(untold) <= _MOST_NAMED else f"{len(untold)} others"
        parts.append(f"{DO_NOT_TELL} from where on nothing changes in {of}")
    draws = min(plateau.n for plateau in plateaus)
    return Finding(
        kind="plateau",
        setting=setting,
        values=() if start is None else (start,),
        other=None,
        other_values=(),
        whole=True,
        metric=None,
        difference=None,
        low=None,
        high=None,
        share=None,
        n=draws,
        p=max((plateau.p for plateau in told), default=None),
        verdict="same" if told else "untold",
        better=None,
        text=f"{capitalise('; '.join(parts))} ({say_draws(draws)}).",
    )
