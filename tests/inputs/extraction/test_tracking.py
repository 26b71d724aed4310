from collections.abc import Sequence

import pytest

from s2v_runner.inputs.extraction.boxes import Box
from s2v_runner.inputs.extraction.tracking import Tracker

SIZE = (400, 1000)
RATE = 25


def standing(column: float, height: float = 200, row: float = 200, score: float = 0.9) -> Box:
    return Box(column - height / 5, row - height / 2, column + height / 5, row + height / 2, score)


def follow(tracker: Tracker, frames: Sequence[Sequence[Box]], begin: int = 0) -> list[float | None]:
    """The column of who is followed, frame by frame."""
    found = [tracker.follow(boxes, (begin + index) / RATE, SIZE) for index, boxes in enumerate(frames)]
    return [None if box is None else box.centre[0] for box in found]


def test_the_largest_is_followed_even_when_others_become_larger():
    tracker = Tracker("largest")
    columns = follow(tracker, [[standing(200, 220), standing(700, 150 + 4 * index)] for index in range(40)])
    assert columns == [200] * 40
    assert tracker.jumps == 0
    assert tracker.people == 2


def test_the_one_in_the_centre_is_followed_where_that_is_asked():
    assert follow(Tracker("centre"), [[standing(200, 300), standing(550, 150)]] * 5) == [550] * 5


def test_it_does_not_matter_in_which_order_people_are_found():
    frames = [[standing(200, 220), standing(300, 200)][:: 1 if index % 2 else -1] for index in range(20)]
    assert follow(Tracker("largest"), frames) == [200] * 20


@pytest.mark.parametrize("speed", [4, 12, 25])
def test_who_walks_is_followed_past_somebody_who_stands(speed: int):
    frames = [[standing(100 + speed * index, 210), standing(500)] for index in range(800 // speed)]
    columns = follow(Tracker("largest"), frames)
    assert columns == [100 + speed * index for index in range(800 // speed)]


def test_who_stands_is_followed_when_somebody_passes_in_front_and_hides_them():
    tracker = Tracker("largest")
    frames = []
    for index in range(60):
        walker = standing(100 + 14 * index, 190)
        hidden = abs(walker.centre[0] - 500) < 60
        frames.append([walker] if hidden else [standing(500, 210), walker])
    columns = follow(tracker, frames)
    assert {column for column in columns if column is not None} == {500}
    assert columns[-1] == 500
    assert columns.count(None) < 12
    assert tracker.jumps == 0
    assert tracker.people == 2


def test_two_who_cross_keep_their_own():
    frames = [[standing(200 + 10 * index, 210), standing(800 - 10 * index, 200)] for index in range(60)]
    columns = follow(Tracker("largest"), frames)
    assert columns == [200 + 10 * index for index in range(60)]


def test_who_appears_right_beside_somebody_is_another():
    tracker = Tracker("largest")
    columns = follow(tracker, [[standing(200)]] * 5 + [[standing(200), standing(230)]] * 10)
    assert columns == [200] * 15
    assert tracker.people == 2


def test_who_comes_back_near_by_is_the_same():
    tracker = Tracker("largest")
    frames = [[standing(300)]] * 10 + [[]] * 20 + [[standing(380)]] * 5
    assert follow(tracker, frames) == [300] * 10 + [None] * 20 + [380] * 5
    assert tracker.jumps == 0
    assert tracker.people == 1


def test_who_appears_elsewhere_is_taken_for_them_after_half_a_second_and_that_is_a_jump():
    tracker = Tracker("largest")
    columns = follow(tracker, [[standing(200)]] * 10 + [[standing(800)]] * 30)
    assert columns[:10] == [200] * 10
    gap = columns.count(None)
    assert gap == pytest.approx(0.5 * RATE, abs=1)
    assert columns[10 + gap :] == [800] * (30 - gap)
    assert tracker.jumps == 1


def test_somebody_who_was_there_all_along_is_taken_only_after_two_seconds():
    tracker = Tracker("largest")
    frames = [[standing(200, 220), standing(800)]] * 10 + [[standing(800)]] * 80
    columns = follow(tracker, frames)
    assert columns.count(None) == pytest.approx(2 * RATE, abs=1)
    assert columns[-1] == 800
    assert tracker.jumps == 1


def test_of_newcomers_the_most_like_is_taken():
    tracker = Tracker("largest")
    frames = [[standing(200, 200)]] * 10 + [[standing(900, 60), standing(650, 190), standing(980, 350)]] * 30
    assert follow(tracker, frames)[-1] == 650


def test_a_box_of_another_size_is_somebody_else():
    columns = follow(Tracker("largest"), [[standing(200, 300)]] * 5 + [[standing(200, 100)]] * 3)
    assert columns == [200] * 5 + [None] * 3


def test_what_is_seen_for_a_moment_is_nobody():
    tracker = Tracker("largest")
    follow(tracker, [[standing(200)] + ([standing(700, 150)] if index in (5, 97) else []) for index in range(100)])
    assert tracker.people == 1


def test_before_anybody_comes_there_is_nobody():
    tracker = Tracker("largest")
    assert follow(tracker, [[], [], [standing(300)]]) == [None, None, 300]
    assert tracker.jumps == 0
