"""Every figure of the table is found among those that the studies make, and what is missing is left out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from demo.evaluation.calibration import Thresholds
from demo.evaluation.cases import Case
from demo.evaluation.ledger import Ledger
from demo.evaluation.making import GENERATED, count_clips
from demo.evaluation.report import TABLE, Results, gather, write_card, write_report
from demo.evaluation.studies import EFFECTS, STUDIES, Arm
from tests.demo.evaluation.shown import DEFAULT, cases_of, true_row

THRESHOLDS = Thresholds(closed=0.08, nod=0.3, turn=0.45, smile=0.4)
ABOUT = {"checkpoint": "a"}
Plan = dict[str, list[Arm]]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return {name: study(DEFAULT, 2) for name, study in STUDIES.items()}


@pytest.fixture(scope="module")
def cases(plan: Plan) -> dict[str, list[Case]]:
    groups = {arm.group for arms in plan.values() for arm in arms}
    most = {group: max(arm.cases for arms in plan.values() for arm in arms if arm.group == group) for group in groups}
    return {group: cases_of(group, count) for group, count in most.items()}


@pytest.fixture(scope="module")
def ledger(plan: Plan, cases: dict[str, list[Case]], tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Videos of everything, which show the truth."""
    ledger = Ledger(tmp_path_factory.mktemp("ledger"), ABOUT)
    for arm in (arm for arms in plan.values() for arm in arms):
        for case in cases[arm.group][: arm.cases]:
            ledger.add(true_row(case, arm.settings, starts_of(case, arm)))
    return ledger


@pytest.fixture(scope="module")
def results(plan: Plan, cases: dict[str, list[Case]], ledger: Ledger) -> Results:
    return gather(ABOUT, DEFAULT, THRESHOLDS, plan, cases, ledger)


def starts_of(case: Case, arm: Arm) -> Sequence[int]:
    if arm.settings.source != GENERATED:
        return (0,)
    size = arm.settings.infer_frames
    return (0, *(clip * size - 3 for clip in range(1, count_clips(case.frames, arm.settings))))


def test_the_card_has_a_line_for_every_figure_and_a_table_for_every_effect(results: Results):
    card = write_card(results)
    lines = [line for line in card if line.startswith("|")]
    assert "| r opening | ≥ 0.6 | 1.00 (1.00 … 1.00) | 2 |" in lines
    named = {line.split("|")[1].strip() for line in lines}
    for what in ("best lag (frames)", "five clips: clip 5: r opening", "r yaw, with pose", "… of somebody else"):
        assert what in named
    for study, (key, values) in EFFECTS.items():
        assert f"![The effect of {key}](plots/{study}.png)" in card
        assert all(any(line.startswith(f"| {value} |") for line in lines) for value in values)


def test_no_line_of_the_table_asks_for_a_figure_that_no_study_makes(results: Results):
    for line in TABLE:
        assert line.figure in results.figures[line.study][line.arm], line


def test_the_report_is_written_whole(results: Results, tmp_path: Path):
    write_report(tmp_path, results)
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["figures"]["base"]["default"]["r opening"] == {"value": 1.0, "low": 1.0, "high": 1.0, "videos": 2}
    assert kept["default"]["shift"] == 3.0
    assert set(kept["lags"]["base"]) == {str(lag) for lag in range(-8, 9)}
    plots = {path.name for path in (tmp_path / "plots").iterdir()}
    assert plots == {"steps.png", "guidance.png", "shift.png", "solvers.png", "lags.png"}
    assert all(path.stat().st_size < 100_000 for path in (tmp_path / "plots").iterdir())


def test_what_was_not_made_is_left_out(plan: Plan, cases: dict[str, list[Case]], tmp_path: Path):
    ledger = Ledger(tmp_path, ABOUT)
    ledger.add(true_row(cases["plain"][0]))
    results = gather(ABOUT, DEFAULT, THRESHOLDS, plan, cases, ledger)
    assert {study: list(arms) for study, arms in results.figures.items()} == {"base": ["default"]}
    assert results.figures["base"]["default"]["r opening"].cases == 1
    write_report(tmp_path, results)
    assert json.loads((tmp_path / "results.json").read_text())["figures"]["base"]["default"]


def test_the_arms_of_an_effect_are_compared_on_the_same_cases(plan: Plan, cases: dict[str, list[Case]], tmp_path: Path):
    ledger = Ledger(tmp_path, ABOUT)
    some, fewer = (replace(DEFAULT, guide_scale=scale) for scale in (1.0, 8.0))
    for settings, count in ((DEFAULT, 4), (some, 3), (fewer, 2)):
        for case in cases["acted"][:count]:
            ledger.add(true_row(case, settings))
    arms = gather(ABOUT, DEFAULT, THRESHOLDS, plan, cases, ledger).figures["guidance"]
    assert {label: figures["r opening"].cases for label, figures in arms.items()} == {"1.0": 2, "3.0": 2, "8.0": 2}


def test_studies_share_what_is_made_alike(plan: Plan):
    effects = [arm.settings for study in EFFECTS for arm in plan[study]]
    assert effects.count(DEFAULT) == len(EFFECTS)
    assert replace(DEFAULT, guide_scale=1.0) in [arm.settings for arm in plan["prompts"]]
