"""What came of the validation: numbers for the record, and a table that documents can take over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from demo.validation.defects import Defect
from demo.validation.judging import RELIABLE, Share, Verdict, judge_pairs, judge_videos
from demo.validation.measuring import Measured
from s2v_runner.metrics.catalogue import PLAIN_METRICS

_DIGITS = 4
_NOTABLE = {metric.key: metric.notable for metric in PLAIN_METRICS}
"""Where there is none, a sweep goes by the share that a value differs by, and so do pairs here."""
_LEAST = 1e-6
_HEAD = (
    "| defect | metric | found in a video from | in a pair from | its effect there | false alarms: video | pair |"
    " videos |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How well a metric finds a defect."""

    defect: Defect
    videos: Verdict
    """Each by itself."""
    pairs: Verdict
    """Each beside a clean one of the same case."""
    clean: float
    """The metric's median without the defect."""
    effects: Sequence[float]
    """For each size, the median of how far the metric of a video moves; NaN where it has no value."""
    exact: Sequence[Share] | None
    """For each size, how often the metric is less by that very size; only of a lag."""
    told: Share
    """The videos that the metric can say anything of."""


def find(defect: Defect, measured: Measured) -> Finding:
    """Judge one defect."""
    clean_CD, spoiled_SCD, told_CD = measured.clean_CD, measured.spoiled_SCD, measured.told_CD
    scale = _as_logarithms if _NOTABLE[defect.metric] is None else np.asarray
    sizes = np.array(defect.sizes)[:, None, None]
    exact = None
    if defect.metric == "mouth_lag":
        exact = [Share(int(hit[told_CD].sum()), int(told_CD.sum())) for hit in spoiled_SCD == -sizes]
    return Finding(
        defect=defect,
        videos=judge_videos(clean_CD, spoiled_SCD, defect.goes, told_CD),
        pairs=judge_pairs(scale(clean_CD), scale(spoiled_SCD), defect.goes, told_CD),
        clean=_median(clean_CD[told_CD]),
        effects=[_median((spoiled_CD - clean_CD)[told_CD]) for spoiled_CD in spoiled_SCD],
        exact=exact,
        told=Share(int(told_CD.sum()), told_CD.size),
    )


def _as_logarithms(values: np.ndarray) -> np.ndarray:
    """Whose differences are shares."""
    return np.log(np.maximum(values, _LEAST))


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def as_record(about: Mapping[str, Any], findings: Iterable[Finding]) -> dict[str, Any]:
    """Everything, for a file of JSON; null where there is no number."""
    return {"about": dict(about), "findings": [_as_record(finding) for finding in findings]}


def _as_record(finding: Finding) -> dict[str, Any]:
    defect = finding.defect
    sizes = [
        {
            "size": size,
            "in a video": _share(finding.videos.found[place]),
            "in a pair": _share(finding.pairs.found[place]),
            "effect": _number(finding.effects[place]),
            **({} if finding.exact is None else {"exact": _share(finding.exact[place])}),
        }
        for place, size in enumerate(defect.sizes)
    ]
    return {
        "defect": defect.name,
        "unit": defect.unit,
        "metric": defect.metric,
        "goes": defect.goes,
        "told": _share(finding.told),
        "clean": _number(finding.clean),
        "false alarms": {
            "in a video": _share(finding.videos.false_alarms),
            "in a pair": _share(finding.pairs.false_alarms),
        },
        "found from": {
            "in a video": finding.videos.smallest(defect.sizes),
            "in a pair": finding.pairs.smallest(defect.sizes),
        },
        "sizes": sizes,
    }


def _share(share: Share) -> dict[str, Any]:
    low, high = share.find_interval()
    return {"share": _number(share.value), "low": _number(low), "high": _number(high), "of": share.of}


def _number(value: float) -> float | None:
    return round(value, _DIGITS) if np.isfinite(value) else None


def write_table(findings: Iterable[Finding]) -> list[str]:
    """Lines of Markdown."""
    return [*_HEAD, *map(_write_row, findings)]


def _write_row(finding: Finding) -> str:
    defect = finding.defect
    smallest = finding.pairs.smallest(defect.sizes)
    place = len(defect.sizes) - 1 if smallest is None else defect.sizes.index(smallest)
    cells = (
        defect.name,
        f"`{defect.metric}`",
        _write_smallest(finding.videos, defect),
        _write_smallest(finding.pairs, defect),
        f"{finding.effects[place]:+.3g} of {finding.clean:.3g}",
        _write_share(finding.videos.false_alarms),
        _write_share(finding.pairs.false_alarms),
        f"{finding.told.found} of {finding.told.of}",
    )
    return f"| {' | '.join(cells)} |"


def _write_smallest(verdict: Verdict, defect: Defect) -> str:
    """The size and the share found there; where that is too few, the share at the largest size."""
    smallest = verdict.smallest(defect.sizes)
    if smallest is not None:
        return f"{smallest:g} {defect.unit}: {_write_share(verdict.found[defect.sizes.index(smallest)])}"
    return f"never {100 * RELIABLE:.0f} %: {_write_share(verdict.found[-1])} at {defect.sizes[-1]:g} {defect.unit}"


def _write_share(share: Share) -> str:
    if not share.of:
        return "none to tell"
    low, high = share.find_interval()
    return f"{100 * share.value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
