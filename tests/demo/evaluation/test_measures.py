"""What is measured finds what was planted: agreement where there is some, each defect where it was put."""

from collections.abc import Callable

import numpy as np
import pytest

from demo.evaluation.cases import Case
from demo.evaluation.measures import (
    LAGS,
    MOUTH,
    Seen,
    Statistic,
    best_lag,
    correlate,
    count_closures,
    estimate,
    follow_loudness,
    jumps,
    mean,
    moving,
    pooled_correlation,
    pooled_partial_correlation,
    ratio,
    share,
    split_at,
    tell_right_from_wrong,
)
from tests.demo.evaluation.shown import read_otherwise, truly_watched

CLOSED = 0.08
Shown = list[Seen]


@pytest.fixture(scope="module")
def truth(plain_cases: list[Case]) -> Shown:
    return [one.seen for one in truly_watched(plain_cases)]


def value(statistic: Statistic, cases: int) -> float:
    return float(statistic(np.ones((1, cases)))[0])


def change_opening(seen: Shown, change: Callable[[Seen], np.ndarray]) -> Shown:
    return [read_otherwise(one, opening=change(one)) for one in seen]


def wander(seed: int) -> Callable[[Seen], np.ndarray]:
    """Lips that move like lips, and know nothing of the speech."""
    rng = np.random.default_rng(seed)

    def opening(one: Seen) -> np.ndarray:
        return np.convolve(rng.random(len(one.closed) + 2), np.full(3, 1 / 3), mode="valid")

    return opening


def opening_pairs(seen: Shown) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(one.read["opening"], one.truth["opening"]) for one in seen]


@pytest.mark.parametrize("lag", [0, 4, -3])
def test_a_shift_is_found_as_the_best_lag(truth: Shown, lag: int):
    shifted = change_opening(truth, lambda one: np.roll(one.truth["opening"], lag))
    assert value(best_lag(shifted), len(truth)) == lag
    at_once = value(pooled_correlation(opening_pairs(shifted)), len(truth))
    assert at_once > 0.999 if lag == 0 else at_once < 0.5


def test_lips_that_never_move_agree_with_nothing(truth: Shown):
    shut = change_opening(truth, lambda one: np.zeros_like(one.truth["opening"]))
    assert value(pooled_correlation(opening_pairs(shut)), len(truth)) == 0
    assert correlate(shut[0].read["opening"], shut[0].truth["opening"]) == 0


def test_the_pooled_correlation_is_that_of_all_frames_in_one_row(truth: Shown):
    pairs = opening_pairs(change_opening(truth, lambda one: one.truth["opening"] ** 2))
    read, true = (np.concatenate(kind) for kind in zip(*pairs, strict=True))
    assert value(pooled_correlation(pairs), len(truth)) == pytest.approx(np.corrcoef(read, true)[0, 1], abs=1e-6)


def test_lips_that_follow_loudness_alone_have_no_partial_correlation(truth: Shown):
    rng = np.random.default_rng(0)

    def measure(seen: Shown) -> tuple[float, float]:
        triples = [(*pair, one.loudness) for pair, one in zip(opening_pairs(seen), seen, strict=True)]
        plain, partial = pooled_correlation(opening_pairs(seen)), pooled_partial_correlation(triples)
        return value(plain, len(seen)), value(partial, len(seen))

    loud = change_opening(truth, lambda one: one.loudness @ [0.01, 0.02, 0.01] + rng.normal(0, 0.1, 77))
    plain, partial = measure(loud)
    assert plain > 0.4
    assert abs(partial) < 0.1
    assert measure(truth)[1] > 0.99


def test_loudness_is_heard_in_its_frame():
    waveform = np.zeros(16000)
    waveform[8000 - 500 : 8000 + 500] = 0.1
    loudness = follow_loudness(waveform, 16000, 16, 16)
    assert loudness.shape == (16, 3)
    assert loudness[:, 1].argmax() == 8
    assert loudness[8] == pytest.approx([-60, -20, -60])
    assert (loudness[7, 2], loudness[9, 0]) == pytest.approx((-20, -20))


def test_closures_are_found_on_the_truth_and_nowhere_else(truth: Shown):
    def count(change: Callable[[Seen], np.ndarray]) -> tuple[float, float]:
        counts = [count_closures(one, CLOSED) for one in change_opening(truth, change)]
        true, open_ = sum(one.true for one in counts), sum(one.open for one in counts)
        assert true > 10
        assert open_ > 50
        return sum(one.found for one in counts) / true, sum(one.false for one in counts) / open_

    assert count(lambda one: one.truth["opening"]) == (1, 0)
    assert count(lambda one: one.truth["opening"] * 0) == (0, 1)
    assert count(lambda one: one.truth["opening"] * 0 + 0.5) == (0, 0)
    missed, _ = count(lambda one: np.maximum(one.truth["opening"], 0.15))
    assert missed == 0
    late, false = count(lambda one: np.roll(one.truth["opening"], 4))
    assert late < 0.7
    assert false > 0.05


@pytest.mark.parametrize("quantities", [("opening",), MOUTH])
def test_right_speech_is_told_from_wrong_only_by_lips_that_follow_it(truth: Shown, quantities: tuple[str, ...]):
    def auc(change: Callable[[Seen], np.ndarray]) -> float:
        shown = [read_otherwise(one, **{name: change(one) for name in quantities}) for one in truth]
        return value(tell_right_from_wrong(shown, quantities), len(truth))

    assert value(tell_right_from_wrong(truth, quantities), len(truth)) > 0.99
    assert auc(wander(0)) == pytest.approx(0.5, abs=0.2)
    shifted = [read_otherwise(one, **{name: np.roll(one.truth[name], 8) for name in quantities}) for one in truth]
    assert value(tell_right_from_wrong(shifted, quantities), len(truth)) < 0.5


def test_lips_that_move_in_silence_too_are_found(truth: Shown):
    def silent_to_voiced(seen: Shown) -> float:
        return value(ratio(moving(seen, "read", "silent"), moving(seen, "read", "voiced")), len(seen))

    assert silent_to_voiced(truth) < 0.25
    assert silent_to_voiced(change_opening(truth, wander(1))) == pytest.approx(1, abs=0.25)


def test_smaller_motion_is_a_smaller_share_of_the_true_one(truth: Shown):
    half = change_opening(truth, lambda one: one.truth["opening"] / 2)
    assert value(ratio(moving(half, "read", "voiced"), moving(half, "truth", "voiced")), len(half)) == pytest.approx(
        0.5
    )


def test_an_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [estimate(mean(rng.normal(2, 1, 40).tolist()), 40, seed) for seed in range(200)]
    assert 0.88 < np.mean([one.low <= 2 <= one.high for one in found]) < 0.99
    assert estimate(mean([5.0, 5.0, float("nan")]), 3, 0).value == 5


def test_a_share_of_nothing_is_no_number():
    assert np.isnan(value(share([0, 0], [0, 0]), 2))
    assert value(share([1, 2], [4, 2]), 2) == 0.5


def test_the_threshold_lies_in_the_middle_between_two_kinds():
    assert split_at(np.array([3.0, 4.0]), np.array([0.0, 1.0])) == 2
    assert split_at(np.array([0.5, 2.0, 3.0, 4.0]), np.array([0.0, 0.1, 0.6])) == pytest.approx(1.3)


def test_a_jump_at_a_seam_is_told_from_what_goes_on():
    change = np.ones(20)
    assert jumps(change, (0, 7, 14)) == {"median": 1, "95th percentile": 1}
    change[6] = 9
    assert jumps(change, (0, 7, 14))["median"] == 5


def test_lags_reach_eight_frames_to_either_side():
    assert (LAGS[0], LAGS[-1]) == (-8, 8)
