"""The figures of all studies as JSON, as plots and as the tables of the model card."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.evaluation.calibration import Thresholds
from demo.evaluation.cases import Case
from demo.evaluation.figures import Figures, Watched, follow_lags, measure, watch
from demo.evaluation.ledger import Ledger
from demo.evaluation.making import DRAWN, Settings
from demo.evaluation.measures import Estimate
from demo.evaluation.plots import plot_effect, plot_lags
from demo.evaluation.studies import EFFECTS, Arm
from s2v_runner.tracking.record import write_atomically

_DIGITS = 4


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    what: str
    asked: str
    study: str
    arm: str
    figure: str


def _lines(what: str, asked: str, study: str, arm: str, figures: Sequence[str]) -> list[Line]:
    return [Line(f"{what} {figure}" if what else figure, asked, study, arm, figure) for figure in figures]


_READ = ("opening", "width", "rounding", "smile", "yaw", "pitch", "blink")
TABLE = (
    *_lines("reader on drawn truth:", "≥ 0.95", "truth", "drawn", [f"r {name}" for name in _READ]),
    Line("reader on drawn truth: r width, clip by clip", "", "truth", "drawn", "r width, clip by clip"),
    *_lines("", "≥ 0.6", "base", "default", ["r opening"]),
    *_lines("", "", "base", "default", ["r width", "r rounding", "r opening, clip by clip"]),
    Line("best lag (frames)", "0 ± 1", "base", "default", "best lag"),
    *_lines("", "", "base", "default", ["clips with a best lag of 0 ± 1"]),
    *_lines("", "≥ 0.3", "base", "default", [f"partial r {name}" for name in ("opening", "width", "rounding")]),
    Line("closures of p, b, m found", "≥ 0.8", "base", "default", "closures found"),
    *_lines("", "", "base", "default", ["open moments that look closed"]),
    Line("right against wrong speech, 3 s (AUC)", "≥ 0.9", "base", "default", "right against wrong speech"),
    Line("… by all of the mouth", "", "base", "default", "right against wrong speech, all of the mouth"),
    *_lines("", "≤ 0.5", "base", "default", ["silent to voiced motion"]),
    *_lines("", "", "base", "default", ["motion to true motion"]),
    Line("colour error, background and clothes (levels)", "", "base", "default", "ground_error"),
    Line("colour error, face (levels)", "", "base", "default", "face_error"),
    Line("SSIM outside mouth and eyes", "", "base", "default", "ssim"),
    Line("… of the drawn truth", "", "truth", "drawn", "ssim"),
    Line("… of the truth through the autoencoder", "", "truth", "decoded", "ssim"),
    Line("… of somebody else", "", "truth", "stranger", "ssim"),
    *(
        Line(f"{figure}, {arm}", "", "prompts", arm, figure)
        for figure in (
            *("asked acts shown", "asked nod shown", "asked left shown", "asked right shown", "asked smile shown"),
            *("unasked acts shown", "prompt followed to the letter"),
        )
        for arm in ("with guidance", "guide_scale=1")
    ),
    *(
        Line(f"{figure}, {arm} (pixels of 128)", "", "poses", arm, figure)
        for figure in ("head position error", "head position error, poses shuffled")
        for arm in ("with pose", "without pose")
    ),
    *(Line(f"{figure}, {arm}", "", "poses", arm, figure) for figure in ("r yaw", "r pitch") for arm in ("with pose",)),
    *(
        Line(f"{clips}: {figure}", "", "clips", clips, figure)
        for clips, last in (("two clips", 2), ("five clips", 5))
        for figure in (
            *("clip 1: r opening", f"clip {last}: r opening", "last clip less first: ssim"),
            *("last clip less first: ground_error", "last clip less first: face_error"),
            *("seam over median", "seam over 95th percentile"),
        )
    ),
    *(
        Line(f"{arm}: {figure}", "", "base", arm, figure)
        for arm in ("infer_frames=32", "start_from_ref")
        for figure in ("r opening", "best lag", "closures found", "ssim")
    ),
    Line("infer_frames=32: seam over 95th percentile", "", "base", "infer_frames=32", "seam over 95th percentile"),
)


@dataclass(frozen=True)
class Results:
    """Everything that was found out: figures by study and arm."""

    about: Mapping[str, Any]
    default: Settings
    thresholds: Thresholds
    figures: Mapping[str, Mapping[str, Figures]]
    lags: Mapping[str, Mapping[int, Estimate]]


def gather(
    about: Mapping[str, Any],
    default: Settings,
    thresholds: Thresholds,
    plan: Mapping[str, Sequence[Arm]],
    cases: Mapping[str, Sequence[Case]],
    ledger: Ledger,
) -> Results:
    """The figures of every arm, from the videos of it that are there; arms without any are left out.

    The arms of an effect are compared on the cases that all of them have.
    """
    figures: dict[str, dict[str, Figures]] = {}
    lags: dict[str, Mapping[int, Estimate]] = {}
    for study, arms in plan.items():
        found = {arm.label: _watch_arm(arm, cases[arm.group], ledger) for arm in arms}
        made = {label: watched for label, watched in found.items() if watched}
        for label, watched in (_keep_common(made) if study in EFFECTS else made).items():
            figures.setdefault(study, {})[label] = measure(watched, thresholds)
            if (study, label) in (("base", "default"), ("truth", DRAWN)):
                lags[study] = follow_lags(watched)
    return Results(about, default, thresholds, figures, lags)


def _keep_common(made: Mapping[str, Sequence[Watched]]) -> dict[str, list[Watched]]:
    """The cases that every arm has, so that a setting is not mistaken for the people it was tried on."""
    names = [{one.case.name for one in watched} for watched in made.values()]
    common = set.intersection(*names) if names else set()
    kept = {label: [one for one in watched if one.case.name in common] for label, watched in made.items()}
    return kept if common else {}


def _watch_arm(arm: Arm, cases: Sequence[Case], ledger: Ledger) -> list[Watched]:
    found = ((case, ledger.find(case.name, arm.settings)) for case in cases[: arm.cases])
    return [watch(case, row) for case, row in found if row is not None]


def write_report(folder: Path, results: Results) -> None:
    """`results.json`, `plots/*.png` and `card.md`. Raises OutputError, and InputError where there is no matplotlib."""
    write_atomically(folder / "results.json", json.dumps(_as_json(results), indent=1, ensure_ascii=False))
    write_atomically(folder / "card.md", "\n".join(write_card(results)) + "\n")
    for study, (key, values) in EFFECTS.items():
        arms = results.figures.get(study, {})
        made = [value for value in values if str(value) in arms]
        if made:
            default = getattr(results.default, key)
            plot_effect(folder / "plots" / f"{study}.png", key, made, [arms[str(value)] for value in made], default)
    if results.lags:
        plot_lags(folder / "plots" / "lags.png", results.lags)


def write_card(results: Results) -> list[str]:
    """Lines of Markdown: what was asked, what was measured, of how many videos; then the effect of each setting."""
    lines = ["| | asked | measured (95 % interval) | videos |", "|---|---|---|---|"]
    for line in TABLE:
        found = results.figures.get(line.study, {}).get(line.arm, {}).get(line.figure)
        if found is not None:
            lines.append(f"| {line.what} | {line.asked} | {_word(found)} | {found.cases} |")
    for study, (key, values) in EFFECTS.items():
        arms = results.figures.get(study, {})
        if arms:
            lines += ["", f"![The effect of {key}](plots/{study}.png)", "", *_tabulate(key, values, arms)]
    return lines


_COLUMNS = ("r opening", "r width", "closures found", "motion to true motion", "ssim", "asked acts shown")


def _tabulate(key: str, values: Sequence[object], arms: Mapping[str, Figures]) -> list[str]:
    lines = [f"| {key} | {' | '.join(_COLUMNS)} | videos |", "|---" * (len(_COLUMNS) + 2) + "|"]
    for value in values:
        arm = arms.get(str(value))
        if arm is not None:
            cells = [f"{arm[name].value:.2f}" for name in _COLUMNS]
            lines.append(f"| {value} | {' | '.join(cells)} | {arm['r opening'].cases} |")
    return lines


def _word(found: Estimate) -> str:
    if not math.isfinite(found.value):
        return "cannot be told"
    return f"{found.value:.2f} ({found.low:.2f} … {found.high:.2f})"


def _as_json(results: Results) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return round(value, _DIGITS) if math.isfinite(value) else None

    def one(found: Estimate) -> dict[str, Any]:
        interval = {name: number(getattr(found, name)) for name in ("value", "low", "high")}
        return interval | {"videos": found.cases}

    return {
        "about": results.about,
        "default": results.default.to_json(),
        "thresholds": asdict(results.thresholds),
        "figures": {
            study: {arm: {name: one(found) for name, found in figures.items()} for arm, figures in arms.items()}
            for study, arms in results.figures.items()
        },
        "lags": {
            study: {str(lag): one(found) for lag, found in curve.items()} for study, curve in results.lags.items()
        },
    }
