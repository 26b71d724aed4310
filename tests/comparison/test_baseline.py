from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from s2v_runner.comparison.baseline import Baseline, choose_baseline, read_baseline
from s2v_runner.digests import digest_of
from s2v_runner.errors import InputError
from s2v_runner.records import Value
from s2v_runner.tracking.definition import FORMAT, PointDefinition, SearchDefinition, SweepDefinition
from tests.comparison.sweeps import combinations


def define(points: Sequence[Mapping[str, Value]]) -> SweepDefinition:
    numbered = tuple(
        PointDefinition(number=number, identity=digest_of(values), values=values)
        for number, values in enumerate(points, 1)
    )
    return SweepDefinition(
        format=FORMAT,
        identity="ab" * 32,
        title=None,
        command=("s2v-runner",),
        swept=tuple(points[0]),
        base_seed=None,
        baseline=None,
        points=numbered,
        search=None,
    )


GRID = define(list(combinations({"sampler.steps": [10, 50], "sampler.solver": ["euler", "unipc"]})))
MIXED = define(
    list(
        combinations(
            {
                "prompt": ["A man speaks, calmly", "She says a=b"],
                "sampler.shift": [3.0, "auto"],
                "start_from_ref": [True, False],
                "num_clip": [None, 1],
            }
        )
    )
)


def chosen(definition: SweepDefinition, words: str | None) -> Baseline:
    baseline = choose_baseline(definition, words)
    assert baseline is not None
    return baseline


def test_a_partial_baseline_keeps_everything_else():
    baseline = chosen(GRID, "sampler.steps=50")
    assert baseline.words == "steps=50"
    assert baseline.numbers == {1: 3, 2: 4, 3: 3, 4: 4}


def test_a_whole_baseline_is_one_point():
    assert chosen(GRID, "sampler.steps=10 sampler.solver=unipc").numbers == {1: 2, 2: 2, 3: 2, 4: 2}


def test_without_words_it_is_the_most_steps():
    assert chosen(GRID, None).values == {"sampler.steps": 50}
    assert chosen(replace(GRID, baseline="solver=euler"), None).numbers == {1: 1, 2: 1, 3: 3, 4: 3}
    assert chosen(replace(GRID, baseline="solver=euler"), "steps=10").values == {"sampler.steps": 10}


def test_without_several_steps_it_is_the_first_point():
    one = define(list(combinations({"sampler.steps": [20], "sampler.shift": [3.0, 5.0]})))
    baseline = chosen(one, None)
    assert baseline.words == "steps=20 shift=3"
    assert baseline.numbers == {1: 1, 2: 1}


def test_where_nothing_is_swept_there_is_none():
    assert choose_baseline(define([{}]), None) is None


def test_points_without_a_counterpart_have_none():
    rows = [
        {"sampler.steps": 10, "audio.path": "a"},
        {"sampler.steps": 50, "audio.path": "a"},
        {"sampler.steps": 10, "audio.path": "b"},
    ]
    assert chosen(define(rows), None).numbers == {1: 2, 2: 2}


def test_of_points_alike_the_first_is_the_baseline():
    assert chosen(define([{"sampler.steps": 50}, {"sampler.steps": 50}, {"sampler.steps": 1}]), None).numbers == {
        1: 1,
        2: 1,
        3: 1,
    }


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("shift=3", {"sampler.shift": 3.0}),
        ("sampler.shift=3.0", {"sampler.shift": 3.0}),
        ("shift=auto  num_clip=null", {"sampler.shift": "auto", "num_clip": None}),
        ("start_from_ref=true num_clip=1", {"start_from_ref": True, "num_clip": 1}),
        ("start_from_ref=False", {"start_from_ref": False}),
        ("prompt=A man speaks, calmly shift=3", {"prompt": "A man speaks, calmly", "sampler.shift": 3.0}),
        ("prompt='A man speaks, calmly'", {"prompt": "A man speaks, calmly"}),
    ],
)
def test_values_may_be_of_any_kind(words: str, values: dict[str, Value]):
    found = read_baseline(MIXED, words)
    assert found == values
    assert [type(value) for value in found.values()] == [type(value) for value in values.values()]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sampler.step=50", "Did you mean 'sampler.steps'?"),
        ("guidance=3", "'guidance' is not swept here"),
        ("sampler.steps=20", "no point has sampler.steps=20. There is 10, 50"),
        ("sampler.solver=Euler", "There is euler, unipc"),
        ("steps=ten", "no point has sampler.steps=ten"),
        ("50", "it is not key=value. For example: sampler.steps=10"),
        ("most steps=50", "it is not key=value"),
        ("", "it is not key=value"),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(words: str, says: str):
    with pytest.raises(InputError) as caught:
        choose_baseline(GRID, words)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"baseline '{words}'")


def test_a_key_by_its_end_must_be_the_only_one():
    definition = define([{"pose.method": "none", "tts.method": "espeak"}])
    with pytest.raises(InputError, match="'method' is not swept"):
        read_baseline(definition, "method=none")


def test_of_many_values_only_some_are_listed():
    many = define([{"base_seed": seed} for seed in range(30)])
    with pytest.raises(InputError, match="and 18 more"):
        read_baseline(many, "base_seed=99")


def test_the_points_of_a_search_have_none_unless_it_is_named():
    search = SearchDefinition(
        objectives=("seconds",), space={"sampler.steps": "1…50"}, sampler="tpe", seed=0, trials=()
    )
    searched = replace(GRID, search=search)
    assert choose_baseline(searched, None) is None
    assert chosen(searched, "sampler.steps=50").numbers == {1: 3, 2: 4, 3: 3, 4: 4}
