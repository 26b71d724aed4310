"""What counts as found."""

import math

import numpy as np
import pytest

from demo.validation.judging import Share, Verdict, judge_pairs, judge_videos

_SIZES = (1.0, 2.0, 3.0)


def numbers(cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Cases that differ much with draws that differ little, and videos that count."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 10, (cases, 1)) + rng.normal(0, 1, (cases, 2)), np.ones((cases, 2), bool)


@pytest.mark.parametrize("goes", ["up", "down"])
def test_what_is_beyond_the_cases_is_found_in_a_video(goes):
    clean, told = numbers(20)
    spoiled = clean + (1 if goes == "up" else -1) * np.array([0.0, 5.0, 200.0])[:, None, None]
    verdict = judge_videos(clean, spoiled, goes, told)
    assert verdict.found[0] == verdict.false_alarms
    assert verdict.found[2] == Share(40, 40)
    assert verdict.smallest(_SIZES) == 3


def test_a_pair_finds_what_a_video_hides():
    clean, told = numbers(20)
    spoiled = np.stack([clean + 8])
    assert judge_videos(clean, spoiled, "up", told).found[0].value < 0.5
    assert judge_pairs(clean, spoiled, "up", told).found[0] == Share(40, 40)
    assert judge_pairs(clean, -spoiled, "down", told).found[0].value < 0.9


def test_the_wrong_way_is_not_found():
    clean, told = numbers(20)
    assert judge_pairs(clean, np.stack([clean - 50]), "up", told).found[0].found == 0


@pytest.mark.parametrize("judge", [judge_videos, judge_pairs])
@pytest.mark.parametrize("cases", [6, 15])
def test_of_noise_one_in_twenty_is_an_alarm(judge, cases):
    shares = []
    for seed in range(100):
        values = np.random.default_rng(seed).normal(0, 1, (cases, 2))
        shares.append(judge(values, values[None], "up", np.ones((cases, 2), bool)).false_alarms.value)
    # Of few values no limit leaves only one in twenty: the largest is exceeded more often.
    assert np.mean(shares) == pytest.approx(max(0.05, 1 / (2 * cases - 1)), abs=0.015)


def test_what_has_no_value_is_not_found_and_what_cannot_be_told_does_not_count():
    clean, told = numbers(20)
    spoiled = np.stack([clean + 200])
    spoiled[0, :5] = np.nan
    assert judge_videos(clean, spoiled, "up", told).found[0] == Share(30, 40)
    told[:5] = False
    assert judge_videos(clean, spoiled, "up", told).found[0] == Share(30, 30)
    clean[5, 0] = np.nan
    assert judge_pairs(clean, spoiled, "up", told).found[0] == Share(29, 29)


def test_the_smallest_size_is_one_from_which_all_are_found():
    few, most = Share(1, 10), Share(9, 10)
    assert Verdict(few, [most, few, most]).smallest(_SIZES) == 3
    assert Verdict(few, [few, most, most]).smallest(_SIZES) == 2
    assert Verdict(few, [most, most, few]).smallest(_SIZES) is None


def test_intervals_are_wilsons():
    # As R's prop.test(8, 10, correct = FALSE) has it.
    assert Share(8, 10).find_interval() == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    low, high = Share(0, 30).find_interval()
    assert low == 0
    assert 0.1 < high < 0.12
    assert Share(0, 0).find_interval() == (0, 1)
    assert math.isnan(Share(0, 0).value)
