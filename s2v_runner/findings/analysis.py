"""From the numbers of a sweep to what is said of it."""

from collections.abc import Collection, Sequence

from s2v_runner.findings.contrasts import Measured, effects, interactions
from s2v_runner.findings.finding import RATE, Finding, Findings, Subject
from s2v_runner.findings.intervals import LEAST_DRAWS, LEVEL
from s2v_runner.findings.levelling import describe_plateaus
from s2v_runner.findings.observations import Experiment, Observation
from s2v_runner.findings.plateaus import find_plateau, sequences
from s2v_runner.findings.recommendation import guards_of, recommend
from s2v_runner.findings.verdicts import count_equivalences, judge
from s2v_runner.findings.wording import say_list


def find(swept: Sequence[str], observations: Sequence[Observation], subject: Subject) -> Findings:
    """Everything that the finished points of a sweep tell, and which settings to use.

    Nothing in it is random: the same numbers give the same findings.
    """
    experiment = Experiment(swept, observations)
    measured = Measured(experiment, subject)
    if experiment.units < LEAST_DRAWS:
        return Findings(
            draws=experiment.draws,
            units=experiment.units,
            comparisons=0,
            equivalences=0,
            method="",
            recommendation=recommend(experiment, measured, subject, ()),
            findings=(),
        )
    changes = list(effects(experiment, measured))
    contrasts = [*changes, *interactions(experiment, measured)]
    ladders = sequences(experiment, measured)
    equivalences = count_equivalences(changes) + len(ladders)
    judged = judge(contrasts, subject, equivalences)
    guards = {metric.key for metric in guards_of(measured, subject)}
    interacting = {frozenset((each.setting, each.other or "")) for each in judged if _depends(each, guards)}
    found = (find_plateau(experiment, measured, key, metric, equivalences) for key, metric in ladders)
    plateaus = [plateau for plateau in found if plateau is not None]
    levelled = list(describe_plateaus(plateaus, judged, subject))
    comparisons = sum(contrast.mean is not None for contrast in contrasts)
    return Findings(
        draws=experiment.draws,
        units=experiment.units,
        comparisons=comparisons,
        equivalences=equivalences,
        method=_say_method(experiment, subject, comparisons, equivalences),
        recommendation=recommend(experiment, measured, subject, interacting),
        findings=(*levelled, *judged),
    )


def _depends(finding: Finding, guards: Collection[str]) -> bool:
    return finding.kind == "interaction" and finding.metric in guards


def _say_method(experiment: Experiment, subject: Subject, comparisons: int, equivalences: int) -> str:
    sought = " Points that a search chose by the results of others have no such rates." if subject.is_search else ""
    keys = say_list([subject.names[key] for key in experiment.draws])
    return (
        f"Differences between points that are equal in all else, in each of {experiment.units} draws ({keys}); n is the"
        f" number of draws. Intervals hold with {LEVEL:.0%}, each by itself: the wider of Student's t and the"
        f" studentised bootstrap. What is said to change is corrected for all {comparisons} comparisons (Holm), so that"
        f" at most {RATE:.0%} of such pages say it of anything falsely; likewise what is said to be the same, for all"
        f" {equivalences} (Bonferroni).{sought}"
    )
