"""What MLflow is told of a sweep, before it is told."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.records import Value
from s2v_runner.tracking.definition import PointDefinition, SweepDefinition
from s2v_runner.tracking.progress import PointProgress
from s2v_runner.tracking.record import Attempt
from s2v_runner.tracking.sweep_translation import (
    name_of_point,
    note_of,
    params_of_sweep,
    points_of_sweep,
    short_names,
    title_of,
    value_text,
)
from s2v_runner.tracking.translation import Point
from tests.tracking.conftest import FINISHED, STARTED, STARTED_MS, BuildRecord, attempt_of
from tests.tracking.sweeps import define_sweep, minutes_after, record_of

FOLDER = Path("points")


def with_values(values: Sequence[Value], **changes: object) -> SweepDefinition:
    """A sweep of one key."""
    definition = define_sweep("values", len(values), swept=("prompt",), **changes)
    points = tuple(
        PointDefinition(number=point.number, identity=point.identity, values={"prompt": value})
        for point, value in zip(definition.points, values, strict=True)
    )
    return replace(definition, points=points)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (("sampler.steps", "prompt"), ("steps", "prompt")),
        (("audio.path", "pose.path"), ("audio.path", "pose.path")),
        (("a.b.steps", "c.b.steps", "a.c.steps"), ("a.b.steps", "c.b.steps", "c.steps")),
        (("sampler", "sampler.sampler"), ("sampler", "sampler.sampler")),
        ((), ()),
    ],
)
def test_names_are_as_short_as_they_can_be_told_apart(keys: tuple[str, ...], names: tuple[str, ...]):
    assert tuple(short_names(keys).values()) == names


def test_values_are_written_as_one_types_them():
    values = (3.0, 4.5, 0.1234567891, 1e39, 20, True, None, "euler")
    assert [value_text(value) for value in values] == [
        "3",
        "4.5",
        "0.1234567891",
        "1e+39",
        "20",
        "true",
        "null",
        "euler",
    ]


def test_a_point_is_called_by_its_number_and_what_sets_it_apart():
    definition = define_sweep("names", 3)
    names = [name_of_point(definition, point, None) for point in definition.points]
    assert names == ["01 steps=10 guide_scale=4.5", "02 steps=20 guide_scale=4.5", "03 steps=40 guide_scale=4.5"]
    assert name_of_point(definition, definition.points[1], "first light") == "first light 02"
    many = define_sweep("names", 120)
    assert name_of_point(many, many.points[6], None).startswith("007 ")


def test_long_values_are_shortened_in_names():
    definition = with_values(["A woman\nspeaks " * 10])
    name = name_of_point(definition, definition.points[0], None)
    assert name == "01 prompt=A woman speaks A woman speaks A woman s…"


def test_a_sweep_is_called_by_its_title_or_by_what_is_swept():
    definition = define_sweep("titles", 2)
    assert title_of(definition, None) == "steps × guide_scale"
    assert title_of(definition, "first light") == "first light"
    assert title_of(replace(definition, title="Guidance"), "first light") == "Guidance"
    assert title_of(replace(definition, swept=()), None) == f"sweep {definition.identity[:12]}"


def test_the_note_defines_the_sweep(build_record: BuildRecord):
    command = ("s2v-runner", "-m", "tracking.uri=http://ada:s3cret@there", "prompt=A woman,B")
    definition = define_sweep("note", 3, title="Guidance", baseline="sampler.steps=40", command=command)
    assert note_of(record_of(build_record, definition, "RUNNING"), definition, None).splitlines() == [
        "**Guidance**",
        "",
        "| setting | values |",
        "|---|---|",
        "| sampler.steps | 10, 20, 40 |",
        "| sampler.guide_scale | 4.5 |",
        "",
        "3 points. Seed 1347279643, drawn for all of them. Compared with sampler.steps=40.",
        "",
        "    s2v-runner -m tracking.uri=http://there 'prompt=A woman,B'",
    ]


def test_the_note_stays_a_table_and_short(build_record: BuildRecord):
    definition = with_values(["a|b\nc", *(f"{number} " * 100 for number in range(300))], command=("run", "x" * 9000))
    note = note_of(record_of(build_record, definition, "RUNNING"), definition, None)
    assert "| prompt | a\\|b c, 0 0" in note
    assert len(note) < 5000


@pytest.mark.parametrize(
    ("swept", "drawn", "said"),
    [("prompt", None, "Seed 1347279643."), ("base_seed", None, ""), ("prompt", 3, "Seed 3, ")],
)
def test_the_note_has_the_seed_where_there_is_one(build_record: BuildRecord, swept: str, drawn: int | None, said: str):
    definition = define_sweep("seeds", 2, swept=(swept,), base_seed=drawn)
    note = note_of(record_of(build_record, definition, "RUNNING"), definition, None)
    assert said in note
    assert ("Seed" in note) == bool(said)


def test_params_are_what_is_shared_and_what_is_swept(build_record: BuildRecord):
    definition = define_sweep("params", 3)
    assert params_of_sweep(record_of(build_record, definition, "RUNNING"), definition) == {
        "sampler": "unipc",
        "memory": "auto",
        "prompt": "A woman, speaking",
        "sampler.shift": "null",
        "base_seed": "1347279643",
        "swept.sampler.steps": "10, 20, 40",
        "swept.sampler.guide_scale": "4.5",
    }


def test_a_choice_that_is_swept_takes_its_settings_with_it(build_record: BuildRecord):
    definition = define_sweep("choices", 2, swept=("sampler",))
    points = tuple(
        replace(point, values={"sampler": choice})
        for point, choice in zip(definition.points, ("unipc", "euler"), strict=True)
    )
    params = params_of_sweep(record_of(build_record, definition, "RUNNING"), replace(definition, points=points))
    assert params == {
        "memory": "auto",
        "prompt": "A woman, speaking",
        "base_seed": "1347279643",
        "swept.sampler": "unipc, euler",
    }


def test_numbers_are_listed_by_size_and_the_rest_as_it_comes(build_record: BuildRecord):
    for values, listed in (
        ([40, 10.0, 2.5, 10], "2.5, 10, 40"),
        (["b", "a", "b"], "b, a"),
        ([True, False, None, 3], "true, false, null, 3"),
        ([f"prompt {number:05}" for number in range(900)], "prompt 00000, prompt 00001"),
    ):
        definition = with_values(values)
        param = params_of_sweep(record_of(build_record, definition, "RUNNING"), definition)["swept.prompt"]
        assert param.startswith(listed)
        assert len(param) <= 6000
    assert param.endswith(" …[cut, whole in sweep.json]")


def counted(points: list[Point], key: str) -> list[tuple[int, float]]:
    """Seconds since the sweep began, and how many by then."""
    found = [(point.step, point.value) for point in points if point.key == key]
    assert [point.milliseconds for point in points if point.key == key] == [STARTED_MS + 1000 * at for at, _ in found]
    return found


def test_points_are_counted_as_they_end(build_record: BuildRecord):
    definition = define_sweep("counts", 4)

    def progress(number: int, *attempts: Attempt) -> PointProgress:
        record = build_record(attempts[-1].status, attempts=attempts) if attempts else None
        return PointProgress(definition.points[number - 1], FOLDER, record, None)

    finished = attempt_of("FINISHED")
    failed = replace(attempt_of("FAILED"), finished=minutes_after(FINISHED, 1))
    retried = replace(finished, finished=minutes_after(FINISHED, 9))
    vanished = replace(attempt_of("RUNNING"), status="KILLED")
    points = [progress(1, finished), progress(2, failed, retried), progress(3, vanished), progress(4)]
    running = record_of(build_record, definition, "RUNNING")
    told = points_of_sweep(running, points)
    assert counted(told, "points") == [(0, 4)]
    assert counted(told, "finished") == [(0, 0), (60, 1), (120, 1), (600, 2)]
    assert counted(told, "failed") == [(0, 0), (60, 0), (120, 1), (600, 0)]

    # What its plan says of points is older than the points.
    plan = {"points": 4, "finished": 0, "failed": 0, "estimate": 1.5, "words": "no number", "flag": True}
    ended = points_of_sweep(record_of(build_record, definition, "KILLED", plan=plan), points)
    assert ended[: len(told)] == told
    assert {(point.step, point.key, point.value) for point in ended[len(told) :]} == {
        (3600, "points", 4),
        (3600, "finished", 2),
        (3600, "failed", 0),
        (3600, "estimate", 1.5),
    }


def test_of_one_moment_the_last_counts(build_record: BuildRecord):
    definition = define_sweep("moments", 3)
    record = build_record("FINISHED")
    points = [PointProgress(point, FOLDER, record, None) for point in definition.points]
    told = points_of_sweep(record_of(build_record, definition, "RUNNING"), points)
    assert counted(told, "finished") == [(0, 0), (60, 3)]


def test_a_point_from_before_the_sweep_counts_from_its_beginning(build_record: BuildRecord):
    definition = define_sweep("before", 1)
    early = replace(attempt_of("FINISHED"), finished=minutes_after(STARTED, -5))
    points = [PointProgress(definition.points[0], FOLDER, build_record("FINISHED", attempts=(early,)), None)]
    told = points_of_sweep(record_of(build_record, definition, "RUNNING"), points)
    assert {point.step for point in told} == {0}
