import dataclasses

import pytest

from s2v_runner.metrics.measures import Measure, known, unknown


def test_a_measure_is_known_or_says_why_not():
    assert (known(0.0).value, known(0.0).reason) == (0.0, None)
    assert (unknown("it is dark").value, unknown("it is dark").reason) == (None, "it is dark")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_not_known(value: float):
    with pytest.raises(AssertionError):
        known(value)


def test_a_measure_stays_what_it_is():
    assert known(1.5) == Measure(1.5, None) != known(1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        known(1.5).value = 2.0  # pyright: ignore[reportAttributeAccessIssue]
