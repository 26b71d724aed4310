"""Whole searches: what they ask, what they leave, and how they go on after whatever stopped them."""

import csv
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from s2v_runner.errors import GenerationError, InputError
from s2v_runner.records import Request
from s2v_runner.search.results import pareto_front
from s2v_runner.tracking.record import Record
from tests.search.rig import Measures, SearchRig, only_search, planted
from tests.sweep.boundaries import Boundary
from tests.sweep.stub import read_log, strays

SEEDS = "base_seed=0,1000"


def stuck_before(point: int, log: Path) -> Callable[[Request, int], None]:
    """Says so at the beginning of the n-th point of this process, and stays there."""
    begun: list[int] = []

    def wait(request: Request, clip: int) -> None:
        begun.append(clip)
        if len(begun) == point:
            print("stuck", flush=True)
            time.sleep(100)

    return wait


@pytest.fixture
def whole(rig: SearchRig, tmp_path: Path):
    """What an uninterrupted search of six trials asks."""
    rig.run(SEEDS, "search.trials=6")
    search = only_search(rig)
    trials, results = search.trials, [result.values for result in search.results]
    shutil.rmtree(rig.outputs)
    rig.log.unlink()
    return trials, results


def test_trials_are_asked_for_made_and_averaged(rig: SearchRig):
    said = rig.run(SEEDS, "search.trials=5", "title=Mine")
    search = only_search(rig)
    assert search.definition.title == "Mine"
    assert search.definition.swept == ("sampler.steps", "sampler.guide_scale", "base_seed")
    assert search.search.space == {"sampler.steps": "1…9", "sampler.guide_scale": "1.0…6.0"}
    assert search.search.objectives == ("mouth_r", "flicker")
    assert [trial.number for trial in search.search.trials] == [1, 2, 3, 4, 5]
    assert len(search.definition.points) == 2 * len({tuple(trial.points) for trial in search.search.trials})
    for trial, result in zip(search.search.trials, search.results, strict=True):
        points = [search.definition.points[number - 1] for number in trial.points]
        assert [point.values["base_seed"] for point in points] == [0, 1000]
        assert all(point.values.items() >= trial.values.items() for point in points)
        mouths = [planted(search.records[number - 1])["mouth_r"]["value"] for number in trial.points]
        assert result.values[0] == pytest.approx(sum(mouths) / 2)
    assert search.record.status == "FINISHED"
    assert search.record.plan["trials"] == 5
    assert search.record.plan["best.mouth_r"] == max(result.values[0] for result in search.results)
    assert search.record.plan["best.flicker"] == min(result.values[1] for result in search.results)
    best = search.results[0].values
    assert f"trial 1 of 5: mouth_r {best[0]:.3f}, flicker {best[1]:.3f}" in said
    assert "of 5 finished trials, of which no other is better in everything" in said
    assert str(search.folder / "comparison.html") in said


def test_the_table_has_every_point_with_what_was_searched_for(rig: SearchRig):
    rig.run(SEEDS, "search.trials=2")
    search = only_search(rig)
    rows = list(csv.DictReader((search.folder / "comparison.csv").read_text().splitlines()))
    assert [row["sampler.guide_scale"] for row in rows] == [
        str(point.values["sampler.guide_scale"]) for point in search.definition.points
    ]


def test_a_search_that_is_killed_within_a_trial_goes_on_as_if_it_had_not_been(rig: SearchRig, whole):
    # In the second point of the fourth trial.
    child = rig.start(SEEDS, "search.trials=6", trouble=stuck_before(8, rig.log))
    child.lines_until("stuck")
    child.kill(signal.SIGKILL)
    assert child.wait()[0] == -signal.SIGKILL
    begun = len(only_search(rig).definition.points)
    assert begun == 8
    said = rig.run(SEEDS, "search.trials=6")
    assert "6: 3 finished, 1 begun, 2 to ask for" in said
    search = only_search(rig)
    assert (search.trials, [result.values for result in search.results]) == whole
    kept = Counter((line.point, line.seed) for line in read_log(rig.log) if line.word == "kept")
    assert search.record.status == "FINISHED"
    assert sum(kept.values()) == len(search.definition.points)
    assert [attempt.status for attempt in search.record.attempts] == ["KILLED", "FINISHED"]


@pytest.mark.parametrize("is_torn", [False, True])
def test_kills_wherever_something_is_written_change_nothing(rig: SearchRig, whole, is_torn: bool):
    seed = random.randrange(2**31)
    print("seed", seed)
    draw = random.Random(seed)
    for _ in range(3):
        boundary = Boundary(rig.outputs, draw.randint(1, 60), signal.SIGKILL, is_torn)
        status, said = rig.start(SEEDS, "search.trials=6", prepare=boundary.install).wait()
        assert status in (0, -signal.SIGKILL), said
    rig.run(SEEDS, "search.trials=6")
    search = only_search(rig)
    assert (search.trials, [result.values for result in search.results]) == whole
    assert [record.status for record in search.records] == ["FINISHED"] * len(search.definition.points)
    assert strays(rig.outputs) == []


def test_more_trials_go_on_with_the_same_search(rig: SearchRig, whole):
    rig.run(SEEDS, "search.trials=2")
    rig.run(SEEDS, "search.trials=6")
    assert (only_search(rig).trials, [result.values for result in only_search(rig).results]) == whole
    lines = read_log(rig.log)
    assert len(lines) == 2 * len(only_search(rig).definition.points)
    said = rig.run(SEEDS, "search.trials=4")
    assert "nothing is left to make" in said
    assert len(read_log(rig.log)) == len(lines)
    assert len(only_search(rig).trials) == 6


def test_processes_share_a_search(rig: SearchRig):
    def slowly(request: Request, clip: int) -> None:
        time.sleep(0.05)

    words = (SEEDS, "search.trials=6")
    children = [rig.start(*words, trouble=slowly) for _ in range(2)]
    assert [child.wait()[0] for child in children] == [0, 0]
    search = only_search(rig)
    assert len(search.trials) == 6
    assert [result.outcome for result in search.results] == ["finished"] * 6
    lines = [line for line in read_log(rig.log) if line.word == "kept"]
    assert len(lines) == len(search.definition.points)
    assert len({line.process for line in lines}) == 2
    assert [record.status for record in search.records] == ["FINISHED"] * len(lines)
    assert search.record.status == "FINISHED"


def test_one_process_takes_over_what_another_was_killed_at(rig: SearchRig):
    words = (SEEDS, "search.trials=2")
    first = rig.start(*words, trouble=stuck_before(3, rig.log))
    first.lines_until("stuck")
    second = rig.start(*words)
    second.lines_until("waiting for 1 point")
    first.kill(signal.SIGKILL)
    assert second.wait()[0] == 0
    first.wait()
    assert [result.outcome for result in only_search(rig).results] == ["finished"] * 2


def test_the_same_settings_are_not_made_again(rig: SearchRig):
    said = rig.run("sampler.steps=1,2", "sampler.guide_scale=3", "search.trials=6")
    search = only_search(rig)
    assert len(search.trials) == 6
    assert len(search.definition.points) == 2
    assert len(read_log(rig.log)) == 4
    assert {trial.points for trial in search.search.trials} == {(1,), (2,)}
    assert "2 of 6 finished trials" in said


def test_what_fails_is_told_as_failed_and_tried_once_more(rig: SearchRig):
    failing = True

    def fail(request: Request, clip: int) -> None:
        if failing and request.steps < 4 and request.base_seed == 1000:
            raise GenerationError("not finite")

    said = rig.run(SEEDS, "search.trials=6", trouble=fail, status=1)
    search = only_search(rig)
    failed = [result for result in search.results if result.outcome == "failed"]
    assert 0 < len(failed) < 6
    assert {result.definition.values["sampler.steps"] for result in failed} <= {1, 2, 3}
    assert f"trial {failed[0].definition.number} of 6: failed: point" in said
    assert "not finite" in said
    assert search.record.status == "FAILED"
    assert search.record.plan["trials_failed"] == len(failed)
    # Left as it is, and then tried again.
    rig.run(SEEDS, "search.trials=6", "resume=skip", trouble=fail, status=1)
    assert max(len(record.attempts) for record in search.records) == 1
    trials, failing = search.trials, False
    rig.run(SEEDS, "search.trials=6", trouble=fail)
    assert [result.outcome for result in search.results] == ["finished"] * 6
    assert search.trials == trials


def test_with_fail_fast_the_first_failure_is_the_end(rig: SearchRig):
    def fail(request: Request, clip: int) -> None:
        raise GenerationError("not finite")

    status, said = rig.start("search.trials=6", "fail_fast=true", trouble=fail).wait()
    assert status == 1
    assert "not finite" in said
    assert len(only_search(rig).definition.points) == 1


def test_what_is_not_known_of_a_point_fails_its_trial(rig: SearchRig):
    def blind(record: Record) -> Measures:
        measures = dict(planted(record))
        if record.requested["sampler"]["steps"] > 6 and record.base_seed == 1000:
            measures["mouth_r"] = {"value": None, "reason": "no mouth was found"}
        return measures

    said = rig.run(SEEDS, "search.trials=6", plant=blind)
    results = only_search(rig).results
    assert {result.outcome for result in results} == {"finished", "failed"}
    for result in results:
        steps = result.definition.values["sampler.steps"]
        assert isinstance(steps, int)
        assert (result.outcome == "failed") == (steps > 6)
    assert "failed: mouth_r of point" in said
    assert "is not known: no mouth was found" in said


def test_a_search_that_learns_nothing_ends(rig: SearchRig):
    def blind(record: Record) -> Measures:
        return {**planted(record), "mouth_r": {"value": None, "reason": "no mouth was found"}}

    status, said = rig.start("search.trials=6", plant=blind).wait()
    assert status == 2
    assert "5 trials have failed, and none has not" in said
    assert "mouth_r of point 5 is not known: no mouth was found" in said
    search = only_search(rig)
    assert len(search.trials) == 5
    assert search.record.status == "FAILED"


def test_a_seed_is_drawn_once_for_all_trials(rig: SearchRig):
    rig.run("base_seed=-1", "search.trials=3")
    search = only_search(rig)
    assert {record.base_seed for record in search.records} == {search.definition.base_seed}
    seed = search.definition.base_seed
    rig.run("base_seed=-1", "search.trials=4")
    assert {record.base_seed for record in search.records} == {seed}


def test_another_search_is_another_folder(rig: SearchRig):
    def identity(*words: str) -> str:
        return rig.prepare(*words).sweep.identity

    same = identity(SEEDS)
    assert identity("base_seed=1000,0", "search.trials=99", "title=Mine", "resume=skip") == same
    for words in (
        ["search.seed=1"],
        ["search.sampler=random"],
        ["search.startup_trials=4"],
        ["search.objectives=mouth_r"],
        ["sampler.steps=int(interval(1,8))"],
        ["base_seed=0,2000"],
        ["sampler=euler,unipc"],
        ["infer_frames=8"],
    ):
        assert identity(SEEDS, *words) != same, words


def test_the_front_is_where_the_objectives_say(rig: SearchRig):
    rig.run("search.trials=12")
    search = only_search(rig)
    front = pareto_front(search.results, rig.prepare().objectives)
    steps = [result.values[1] for result in front]
    assert steps == sorted(steps, reverse=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resume=force"], "a search goes on from what it has found"),
        (["baseline=sampler.steps=3"], "not made to be compared with one of them"),
        (["search.objectives=mouth_q"], "Did you mean 'mouth_r'"),
        (["search.trials=3,4"], "it is one for the whole sweep"),
        (["sampler.steps=int(interval(0,2))"], "sampler.steps=0"),
        (["save_file=one.mp4"], "would write the same file"),
        (["search.seed=-1"], "search.seed=-1"),
        (["search.sampler=tqe"], "search.sampler"),
    ],
)
def test_what_a_search_cannot_do_is_said_before_it_begins(rig: SearchRig, words: list[str], said: str):
    with pytest.raises(InputError) as caught:
        rig.prepare(*words)
    assert said in str(caught.value)
    assert not rig.outputs.exists()


def test_a_row_does_not_change_the_search(rig: SearchRig, tmp_path: Path):
    rows = tmp_path / "rows.csv"
    rows.write_text("name,search.trials\nanna,3\n")
    with pytest.raises(InputError, match="it is not a setting of one run"):
        rig.prepare(f"inputs={rows}")


def test_rows_are_averaged_over(rig: SearchRig, tmp_path: Path):
    rows = tmp_path / "rows.csv"
    rows.write_text("name,prompt\nanna,She speaks\nbela,He speaks\n")
    rig.run(f"inputs={rows}", "search.trials=2")
    points = only_search(rig).definition.points
    assert [point.values["inputs"] for point in points] == ["anna", "bela"] * 2
