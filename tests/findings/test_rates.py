"""The benchmark of the findings, for a moment."""

from benchmarks.findings_rates import DIFFERENCES, NOISES, measure_coverage, measure_power, measure_rates


def test_coverage_is_that_of_intervals():
    shares = measure_coverage(DIFFERENCES["normal"], 5, 100)
    assert shares["percentile"] < shares["student"] <= shares["used"]


def test_rates_are_of_pages():
    assert measure_rates(NOISES["normal"], 3, 2).keys() == {"change", "same", "recommendation"}
    assert measure_power(20.0, 5, 2) == {"found": 1.0, "held": 1.0}
