"""From questions to findings: what is shown, what is shown to be the same, and what these data do not tell."""

from collections.abc import Sequence
from dataclasses import dataclass

from s2v_runner.findings.contrasts import Contrast
from s2v_runner.findings.correction import correct_holm
from s2v_runner.findings.finding import RATE, Finding, Subject, Verdict
from s2v_runner.findings.intervals import LEAST_DRAWS, Mean
from s2v_runner.findings.wording import (
    DO_NOT_TELL,
    capitalise,
    digits_for,
    say_amount,
    say_draws,
    say_interval,
    say_number,
    say_share,
    say_step,
    say_unit,
    say_value,
)
from s2v_runner.metrics.measures import Metric


@dataclass(frozen=True)
class _Judged:
    """A contrast with what was found of it."""

    contrast: Contrast
    verdict: Verdict
    p: float | None


def judge(contrasts: Sequence[Contrast], subject: Subject, equivalences: int) -> list[Finding]:
    """A finding for each contrast, corrected for all of them together; of interactions those alone that are shown.

    `equivalences` is how many questions for sameness there are on the page.
    """
    asked = [contrast for contrast in contrasts if contrast.mean is not None]
    corrected = dict(zip(map(id, asked), correct_holm([each.mean.p for each in asked if each.mean]), strict=True))
    judged = [_judge(contrast, corrected.get(id(contrast)), equivalences) for contrast in contrasts]
    shown = [each for each in judged if each.contrast.other is None or each.verdict == "depends"]
    return [_describe(each, subject) for each in sorted(shown, key=lambda each: _rank(each, subject))]


def count_equivalences(contrasts: Sequence[Contrast]) -> int:
    """Effects that could be shown to be none that matters."""
    return sum(each.mean is not None and each.other is None and each.metric.notable is not None for each in contrasts)


def _judge(contrast: Contrast, p: float | None, equivalences: int) -> _Judged:
    mean, notable = contrast.mean, contrast.metric.notable
    if mean is None or p is None:
        return _Judged(contrast, "untold", None)
    if contrast.other is None:
        if _is_nothing(mean):
            return _Judged(contrast, "same", 0.0)
        if notable is not None and -notable < mean.low and mean.high < notable:
            same = min(1.0, mean.p_within(notable) * equivalences)
            if same <= RATE:
                return _Judged(contrast, "same", same)
    if p > RATE or mean.low <= 0 <= mean.high:
        return _Judged(contrast, "untold", p)
    if contrast.other is not None:
        return _Judged(contrast, "depends", p)
    return _Judged(contrast, "raises" if mean.value > 0 else "lowers", p)


def _is_nothing(mean: Mean) -> bool:
    return mean.value == mean.low == mean.high == 0


def _rank(judged: _Judged, subject: Subject) -> tuple[int, int, bool, bool, float]:
    """What is shown before what is the same, quality before cost, strong before weak.

    How good a video is comes before how near it is to a baseline, and the whole of a setting before its steps.
    """
    contrast, mean = judged.contrast, judged.contrast.mean
    shown = {"raises": 0, "lowers": 0, "depends": 0, "same": 1, "untold": 2}[judged.verdict]
    kind = ("quality", "time", "memory", "description").index(contrast.metric.kind)
    strength = 0.0
    if mean is not None and mean.value:
        scale = contrast.metric.notable or mean.error or abs(mean.value)
        strength = abs(mean.value) / scale
    is_closeness = contrast.metric.key in subject.closeness
    return shown, kind, is_closeness, not contrast.whole, -strength


def _describe(judged: _Judged, subject: Subject) -> Finding:
    contrast, mean = judged.contrast, judged.contrast.mean
    metric = contrast.metric
    better = None
    if judged.verdict in ("raises", "lowers") and metric.better is not None:
        better = (judged.verdict == "raises") == (metric.better == "higher")
    return Finding(
        kind="effect" if contrast.other is None else "interaction",
        setting=contrast.setting,
        values=contrast.values,
        other=contrast.other,
        other_values=contrast.other_values,
        whole=contrast.whole,
        metric=metric.key,
        difference=None if mean is None else mean.value,
        low=None if mean is None else mean.low,
        high=None if mean is None else mean.high,
        share=_share(contrast),
        n=len(contrast.sample.values),
        p=judged.p,
        verdict=judged.verdict,
        better=better,
        text=_say_interaction(contrast, subject)
        if contrast.other is not None
        else _say_effect(judged, subject, better),
    )


def _share(contrast: Contrast) -> float | None:
    """Only of what has no difference that is known to matter: there a share is all that can be said."""
    if contrast.mean is None or contrast.metric.notable is not None or contrast.before <= 0:
        return None
    return contrast.mean.value / contrast.before


def _say_effect(judged: _Judged, subject: Subject, better: bool | None) -> str:
    contrast, mean = judged.contrast, judged.contrast.mean
    metric, step = contrast.metric, say_step(subject, contrast.setting, contrast.values)
    if mean is None:
        draws = len(contrast.sample.values)
        have = "1 draw has" if draws == 1 else f"{draws} draws have"
        return capitalise(
            f"{DO_NOT_TELL} whether {step} changes {metric.name}: {have} both, and {LEAST_DRAWS} are needed."
        )
    digits = digits_for(metric, mean.low, mean.high)
    interval = say_interval(mean.low, mean.high, digits)
    count = say_draws(mean.draws)
    match judged.verdict:
        case "same" if _is_nothing(mean):
            return f"{step} leaves {metric.name} exactly the same in all {mean.draws} draws."
        case "same":
            does = f"leaves {metric.name} the same" if mean.low <= 0 <= mean.high else f"hardly changes {metric.name}"
            return (
                f"{step} {does}: {say_amount(mean.value, metric, digits)} ({interval}; {count}),"
                f" within the ±{say_number(metric.notable or 0, metric.digits)} that would matter."
            )
        case "untold":
            chance = "" if mean.low <= 0 <= mean.high else ", which may be chance among so many comparisons"
            return capitalise(
                f"{DO_NOT_TELL} whether {step} changes {metric.name}:"
                f" {say_amount(mean.value, metric, digits)} ({interval}; {count}){chance}."
            )
    share = _share(contrast)
    by = f"{say_number(abs(mean.value), digits)}{_unit_and_share(metric, share)}"
    low, high = sorted((abs(mean.low), abs(mean.high)))
    way = {None: "", True: ", for the better", False: ", for the worse"}[better]
    return f"{step} {judged.verdict} {metric.name} by {by} ({say_interval(low, high, digits)}; {count}){way}."


def _unit_and_share(metric: Metric, share: float | None) -> str:
    unit = say_unit(metric)
    return unit if share is None else f"{unit}, {say_share(share)}"


def _say_interaction(contrast: Contrast, subject: Subject) -> str:
    assert contrast.other is not None
    step = say_step(subject, contrast.setting, contrast.values)
    effects = []
    for value, mean in zip(contrast.other_values, contrast.parts, strict=True):
        if mean is not None:
            digits = digits_for(contrast.metric, mean.low, mean.high)
            interval = say_interval(mean.low, mean.high, digits)
            effects.append(f"{say_amount(mean.value, contrast.metric, digits)} ({interval}) at {say_value(value)}")
    return (
        f"What {step} does to {contrast.metric.name} depends on {subject.names[contrast.other]}:"
        f" {', '.join(effects)}; {say_draws(len(contrast.sample.values))}."
    )
