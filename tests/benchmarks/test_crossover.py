"""Together or apart, counted."""

import math

import pytest

from benchmarks.crossover import Crossover, always_apart_from
from benchmarks.report import Report, Row


@pytest.mark.parametrize(("processes", "gain"), [(2, 1.9), (4, 3.88), (8, 7.77), (8, 6.0), (16, 15.3)])
def test_from_there_on_workers_are_never_later_and_before_it_they_once_are(processes: int, gain: float):
    begin = always_apart_from(processes, gain)
    later = [points for points in range(1, 2000) if points / gain < math.ceil(points / processes)]
    assert max(later) == begin - 1


def test_the_way_that_gains_most_is_told():
    rows = [
        Row({"variant": "a", "way": "one process", "processes": 1}, {"times_one": 1.0}),
        Row({"variant": "a", "way": "ulysses", "processes": 4}, {"times_one": 3.2}),
        Row({"variant": "a", "way": "both", "processes": 4}, {"times_one": 3.5}),
        Row({"variant": "b", "way": "ulysses", "processes": 4}, {"times_one": 3.9}),
        Row({"variant": "a", "way": "cfg", "processes": 2}, {"times_one": 2.0}),
    ]
    report = Report(
        benchmark="scaling", measured="", options={}, hardware={}, versions={}, project={}, rows=tuple(rows)
    )
    _, two, four = Crossover("a").write([report])
    assert two == ["2", "cfg", "2.00", "1 point", "as soon either way where points divide"]
    # 3.5 points' time is all but one of four's: 25 points are seven rounds of workers, and 7.1 of a group.
    assert four == ["4", "both", "3.50", "up to 3 points", f"from {always_apart_from(4, 3.5)} points"]
