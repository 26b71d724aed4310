"""Several processes that make one sweep together."""

import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from s2v_runner.records import Request
from s2v_runner.tracking.record import read_record
from tests.runs import Child
from tests.sweep.stub import Rig, check_made_once, check_whole, made, read_log, records_of

CLIPS = 3


def slowly(request: Request, clip: int) -> None:
    """So that all processes come to make something."""
    time.sleep(0.02)


def stuck_at(steps: int, clip: int) -> Callable[[Request, int], None]:
    """Says so at a clip of a point, and stays there."""

    def wait(request: Request, at: int) -> None:
        if (request.steps, at) == (steps, clip):
            print("stuck", flush=True)
            time.sleep(100)

    return wait


def kill(child: Child) -> None:
    child.kill(signal.SIGKILL)
    assert child.wait()[0] == -signal.SIGKILL


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_the_points_and_none_makes_what_another_did(rig: Rig, processes: int):
    planned = rig.plan("sampler.steps=1,2,3,4")
    children = [rig.start(planned, slowly) for _ in range(processes)]
    assert [child.wait()[0] for child in children] == [0] * processes
    lines = read_log(rig.log)
    assert Counter((line.point, line.clip, line.word) for line in lines) == {
        (steps, clip, word): 1 for steps in planned.steps for clip in range(CLIPS) for word in ("begin", "kept")
    }
    assert len({line.process for line in lines}) == processes
    check_made_once(planned, lines)
    check_whole(planned)
    assert len(read_record(planned.sweep.folder).attempts) == processes
    shared = made(planned)
    rig.clear()
    rig.run(planned)
    assert made(planned) == shared


@pytest.mark.parametrize("policy", ["retry", "skip", "force"])
def test_what_a_killed_process_was_at_is_taken_over_at_its_clip(rig: Rig, policy: str):
    planned = rig.plan("sampler.steps=1,2", f"resume={policy}")
    if policy == "force":
        rig.run(planned)
        rig.log.unlink()
    first = rig.start(planned, stuck_at(1, 2))
    first.lines_until("stuck")
    second = rig.start(planned)
    second.lines_until("waiting for 1 point")
    # It is not waited for: whoever is killed and has nobody to ask after it is a process that is there still.
    first.kill(signal.SIGKILL)
    assert second.wait()[0] == 0
    first.wait()
    begun = [(line.process, line.point, line.clip) for line in read_log(rig.log) if line.word == "begin"]
    assert begun == [
        *((first.pid, 1, clip) for clip in range(3)),
        *((second.pid, 2, clip) for clip in range(3)),
        (second.pid, 1, 2),
    ]
    check_whole(planned)
    ends = [attempt.status for attempt in read_record(planned.sweep.folder).attempts]
    assert ends[-2:] == ["KILLED", "FINISHED"]


def test_who_joins_in_making_all_anew_takes_the_same_seed_and_leaves_what_was_made(rig: Rig):
    planned = rig.plan("sampler.steps=1,2,3", "base_seed=-1", "resume=force")
    rig.run(planned)
    (before,) = {record.base_seed for record in records_of(planned)}
    rig.log.unlink()
    first = rig.start(planned, stuck_at(2, 1))
    first.lines_until("stuck")
    second = rig.start(planned)
    second.lines_until("waiting for 1 point")
    kill(first)
    assert second.wait()[0] == 0
    begun = [(line.process, line.point, line.clip) for line in read_log(rig.log) if line.word == "begin"]
    assert begun == [
        *((first.pid, 1, clip) for clip in range(3)),
        *((first.pid, 2, clip) for clip in range(2)),
        *((second.pid, 3, clip) for clip in range(3)),
        *((second.pid, 2, clip) for clip in (1, 2)),
    ]
    (after,) = {record.base_seed for record in records_of(planned)}
    assert after != before
    check_whole(planned)


def test_who_comes_later_makes_all_anew_again(rig: Rig):
    planned = rig.plan("sampler.steps=1,2", "resume=force")
    child = rig.start(planned, stuck_at(2, 1))
    child.lines_until("stuck")
    kill(child)
    rig.log.unlink()
    rig.run(planned)
    assert [(line.point, line.clip) for line in read_log(rig.log) if line.word == "begin"] == [
        (steps, clip) for steps in (1, 2) for clip in range(CLIPS)
    ]
    check_whole(planned)
