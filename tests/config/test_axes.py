"""What several values of a setting are to a sweep, and to a search."""

import pytest

from s2v_runner.config.arguments import parse_overrides
from s2v_runner.config.asked import Asked, read_asked
from s2v_runner.config.axes import Axis, Interval, dimension_of
from s2v_runner.config.compose import PROJECT
from s2v_runner.errors import InputError


def ask(*words: str, multirun: bool = True) -> Asked:
    return read_asked(["search=optuna", *words], PROJECT, multirun)


def interval(word: str) -> Interval:
    dimension = dimension_of(parse_overrides([word], {})[0], {})
    assert isinstance(dimension, Interval)
    return dimension


def test_a_search_chooses_settings_and_averages_over_seeds_and_inputs():
    asked = ask("sampler=unipc,dpmpp", "base_seed=0,1000", "sampler.steps=int(interval(4,40))", "image=a.png,b.png")
    assert [dimension.key for dimension in asked.space] == ["sampler", "sampler.steps"]
    assert [axis.key for axis in asked.axes] == ["base_seed", "image"]
    assert asked.swept == ("sampler", "sampler.steps", "base_seed", "image")
    assert asked.count == 4


def test_a_point_of_a_search_is_what_its_own_values_would_be():
    asked = ask("sampler=unipc,dpmpp", "base_seed=0,1000", "sampler.steps=int(interval(4,40))", "size=480p,720p")
    values = {"sampler.steps": 17, "sampler": "dpmpp", "base_seed": 1000, "resolution": "720p"}
    (point,) = asked.compose_at([values])
    assert point.values == values
    assert (point.config.sampler.solver, point.config.sampler.steps, point.config.base_seed) == ("dpmpp", 17, 1000)
    assert point.choices["resolution"] == "720p"


def test_intervals_and_ranges_are_numbers_and_lists_are_not():
    space = ask(
        "sampler.steps=int(interval(4,40))",
        "sampler.guide_scale=tag(log, interval(0.5, 8))",
        "sampler.shift=range(1,6,0.5)",
        "infer_frames=range(80,0,-4)",
        "num_clip=1,2,2,null",
    ).space
    assert [dimension.words for dimension in space] == [
        "4…40",
        "0.5…8.0 (logarithmic)",
        "1.0…5.5 by 0.5",
        "4…80 by 4",
        "1,2,null",
    ]
    steps, guidance, shift, frames, clips = space
    assert isinstance(steps, Interval)
    assert isinstance(guidance, Interval)
    assert isinstance(shift, Interval)
    assert isinstance(frames, Interval)
    assert isinstance(clips, Axis)
    assert [each.is_whole for each in (steps, guidance, shift, frames)] == [True, False, False, True]
    assert [each.is_logarithmic for each in (steps, guidance, shift, frames)] == [False, True, False, False]
    assert [choice.value for choice in clips.choices] == [1, 2, None]


@pytest.mark.parametrize(
    ("word", "value", "rounded"),
    [
        ("sampler.guide_scale=interval(1,6)", 3.21846372, 3.218),
        ("sampler.guide_scale=interval(0,1)", 0.21846372, 0.218),
        ("sampler.guide_scale=interval(100,101)", 100.50049, 100.5),
        ("sampler.guide_scale=interval(0,5000)", 3218.46372, 3218.0),
        ("sampler.guide_scale=interval(0.12345,6)", 0.12345001, 0.12345),
        ("sampler.guide_scale=tag(log,interval(0.0001,6))", 0.00123456, 0.001235),
        ("sampler.guide_scale=tag(log,interval(0.0001,6))", 5.9999999, 6.0),
        ("sampler.guide_scale=range(1,6,0.1)", 1.3000000000000003, 1.3),
        ("sampler.guide_scale=interval(2,2)", 2.0, 2.0),
        ("sampler.steps=int(interval(4,40))", 17, 17),
    ],
)
def test_numbers_are_short(word: str, value: float, rounded: float):
    assert interval(word).round(value) == rounded
    (choice,) = (interval(word).choose(interval(word).round(value)),)
    assert choice.overrides[0].value() == rounded


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["base_seed=0,1000"], "there is nothing to choose from"),
        ([], "there is nothing to choose from"),
        (["base_seed=int(interval(0,9))", "sampler.steps=1,2"], "an interval has no values to make in turn"),
        (["sampler.steps=interval(4,40)"], r"it must be a whole number.*int\(interval\(4,40\)\)"),
        (["sampler.guide_scale=interval(6,1)"], "its ends are not a smaller and a larger number"),
        (["sampler.guide_scale=tag(log,interval(0,1))"], "a logarithmic interval begins above 0"),
        (["sampler.steps=tag(log,range(1,9))"], "a range has equal steps"),
        (["sampler=interval(1,2)"], "its values cannot be listed"),
        (["sampler=unipc,dpmp"], "there is no such choice"),
    ],
)
def test_what_cannot_be_searched_is_said(words: list[str], said: str):
    with pytest.raises(InputError, match=said):
        ask(*words)


@pytest.mark.parametrize("multirun", [False, True])
def test_an_interval_is_for_a_search(multirun: bool):
    with pytest.raises(InputError, match=r"an interval is for a search\. Add search=optuna"):
        read_asked(["sampler.guide_scale=interval(1,6)"], PROJECT, multirun)


def test_without_m_nothing_is_searched():
    with pytest.raises(InputError, match="Add -m"):
        ask("sampler.guide_scale=interval(1,6)", multirun=False)
