"""The figures of an arm say what its videos show."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from demo.evaluation.calibration import Thresholds, find_thresholds
from demo.evaluation.cases import Case
from demo.evaluation.figures import Watched, follow_lags, measure, watch
from demo.evaluation.making import DRAWN
from tests.demo.evaluation.shown import DEFAULT, cases_of, read_otherwise, true_row, truly_watched


@pytest.fixture(scope="module")
def thresholds(acted_cases: list[Case]) -> Thresholds:
    return find_thresholds(acted_cases, [dict(one.seen.read) for one in truly_watched(acted_cases)])


@pytest.fixture(scope="module")
def posed_cases() -> list[Case]:
    return cases_of("posed", 4)


def with_readings_of(cases: Sequence[Case], others: Sequence[Case]) -> list[Watched]:
    """Videos of the cases in which the others' heads are seen."""
    pairs = zip(truly_watched(cases), truly_watched(others), strict=True)
    return [replace(one, seen=read_otherwise(one.seen, **other.seen.read)) for one, other in pairs]


def test_thresholds_lie_between_what_is_and_what_is_not(thresholds: Thresholds):
    assert 0 <= thresholds.closed < 0.15
    assert 0.15 < thresholds.nod < 0.45
    assert 0.25 < thresholds.turn < 0.65
    assert 0.1 < thresholds.smile < 0.7


def test_the_truth_has_the_best_figures(plain_cases: list[Case], thresholds: Thresholds):
    figures = measure(truly_watched(plain_cases), thresholds)
    for name in ("opening", "width", "rounding"):
        assert figures[f"r {name}"].value == pytest.approx(1)
        assert figures[f"partial r {name}"].value == pytest.approx(1)
    assert figures["best lag"].value == 0
    assert figures["clips with a best lag of 0 ± 1"].value == 1
    assert figures["closures found"].value > 0.95
    assert figures["open moments that look closed"].value < 0.05
    assert figures["right against wrong speech"].value > 0.99
    assert figures["motion to true motion"].value == pytest.approx(1)
    assert figures["r opening"].cases == len(plain_cases)


def test_the_lips_of_other_speech_have_bad_ones(plain_cases: list[Case], thresholds: Thresholds):
    figures = measure(with_readings_of(plain_cases, [*plain_cases[1:], plain_cases[0]]), thresholds)
    assert figures["r opening"].value < 0.35
    assert figures["partial r opening"].high < 0.3
    assert figures["closures found"].value < 0.8
    assert figures["right against wrong speech"].value < 0.6


def test_a_curve_of_lags_has_its_top_at_the_truth(plain_cases: list[Case]):
    curve = follow_lags(truly_watched(plain_cases))
    assert max(curve, key=lambda lag: curve[lag].value) == 0


def test_acts_are_told_apart(acted_cases: list[Case], thresholds: Thresholds):
    figures = measure(truly_watched(acted_cases), thresholds)
    assert figures["asked acts shown"].value == figures["asked nod shown"].value == 1
    assert figures["prompt followed to the letter"].value == 1
    assert figures["unasked acts shown"].value == 0
    counts = {name: figures[name].cases for name in ("asked nod shown", "asked acts shown", "unasked acts shown")}
    assert counts == {"asked nod shown": 2, "asked acts shown": 8, "unasked acts shown": 10}
    # Everybody does what the next was asked for.
    figures = measure(with_readings_of(acted_cases, [*acted_cases[1:], acted_cases[0]]), thresholds)
    assert figures["asked acts shown"].value == 0
    assert figures["unasked acts shown"].value == pytest.approx(8 / 32)


def test_poses_are_followed_or_not(posed_cases: list[Case], thresholds: Thresholds):
    figures = measure(truly_watched(posed_cases), thresholds)
    assert figures["head position error"].value == pytest.approx(0, abs=1e-4)
    assert figures["head position error, poses shuffled"].value > 1
    assert figures["r yaw"].value == pytest.approx(1)
    others = measure(with_readings_of(posed_cases, [*posed_cases[1:], posed_cases[0]]), thresholds)
    assert others["head position error, poses shuffled"].value == pytest.approx(0, abs=1e-4)
    assert others["head position error"].value == pytest.approx(figures["head position error, poses shuffled"].value, 2)


def test_heads_are_read_where_the_truth_is_drawn(plain_cases: list[Case], thresholds: Thresholds):
    drawn = replace(DEFAULT, source=DRAWN)
    figures = measure([watch(case, true_row(case, drawn)) for case in plain_cases], thresholds)
    assert figures["r blink"].value == pytest.approx(1)
    assert "r blink" not in measure(truly_watched(plain_cases), thresholds)


def test_clips_are_measured_one_by_one(plain_cases: list[Case], thresholds: Thresholds):
    watched = []
    for case in plain_cases:
        row = true_row(case, starts=(0, 29, 61))
        change = np.array(row.likeness["change"])
        change[28] = change[60] = 5.0
        lost = np.array(row.readings["opening"])
        lost[61:] = 0.5
        row = replace(
            row,
            likeness={**row.likeness, "change": change.tolist()},
            readings={**row.readings, "opening": lost.tolist()},
        )
        watched.append(watch(case, row))
    figures = measure(watched, thresholds)
    assert figures["seam over median"].value == figures["seam over 95th percentile"].value == 5
    assert figures["clip 1: r opening"].value == figures["clip 2: r opening"].value == pytest.approx(1)
    assert figures["clip 3: r opening"].value == 0
    # What is written as going from 1 to 2 drifts by the distance of the clips' middles.
    assert figures["last clip less first: ground_error"].value == pytest.approx((68.5 - 14) / 76)
