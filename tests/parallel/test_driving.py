"""Workers that die, hang or are stopped: what they were at is made by others, and every record says what happened."""

import errno
import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.errors import OutputError
from s2v_runner.parallel import losses
from s2v_runner.parallel.member import MemberSession
from s2v_runner.records import Request
from s2v_runner.tracking.liveness import is_there
from s2v_runner.tracking.record import read_record
from s2v_runner.tracking.recorder import Recorder
from tests.parallel.forked import fork_members
from tests.runs import Child
from tests.sweep.stub import (
    Planned,
    Rig,
    Trouble,
    check_made_once,
    check_whole,
    expected_frames,
    no_trouble,
    read_log,
    records_of,
)

PLAIN = ("memory.device=cpu", "metrics=none")
TWO_WORKERS = ("parallel=points", *PLAIN)
POINTS = "sampler.steps=1,2,3,4"
LAST_CLIP = 2


def drive(rig: Rig, planned: Planned, trouble: Trouble) -> tuple[int, str]:
    """The command with forked workers to its end: exit status and output."""
    return start(rig, planned, trouble).wait()


def start(rig: Rig, planned: Planned, trouble: Trouble) -> Child:
    return rig.start(planned, trouble, fork_members)


def slowly(request: Request, clip: int) -> None:
    """So that both workers come to make something."""
    time.sleep(0.1)


def once(mark: Path) -> bool:
    """Whether nobody has been here before."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def record_of(planned: Planned, steps: int):
    (point,) = (point for point in planned.sweep.points if point.run.request.steps == steps)
    return read_record(planned.sweep.folder_of(point))


def makers(rig: Rig, steps: int) -> list[int]:
    return list(dict.fromkeys(line.process for line in read_log(rig.log) if line.point == steps))


def test_two_workers_make_each_point_once_and_what_one_process_makes(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)
    status, said = drive(rig, planned, slowly)
    assert status == 0, said
    lines = read_log(rig.log)
    assert len({line.process for line in lines}) == 2
    assert Counter((line.point, line.clip, line.word) for line in lines if line.word == "begin") == {
        (steps, clip, "begin"): 1 for steps in planned.steps for clip in range(LAST_CLIP + 1)
    }
    check_made_once(planned, lines)
    check_whole(planned)
    # One attempt, the driver's: workers do not keep the record of the sweep.
    assert len(read_record(planned.sweep.folder).attempts) == 1
    for number in range(1, 5):
        assert said.count(f"[{number} of 4]") == 1
        assert said.count(f"point {number} finished in") == 1
    assert said.count("(worker 1)") + said.count("(worker 2)") == 4
    assert "4 of 4 points finished" in said
    assert [record.frames["sha256"] for record in records_of(planned) if record.frames is not None] == [
        expected_frames(point.run) for point in planned.sweep.points
    ]


def test_what_a_killed_worker_was_at_is_finished_by_another_after_its_last_clip(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)
    mark = rig.folder / "mark"

    def die_once(request: Request, clip: int) -> None:
        time.sleep(0.05)
        if (request.steps, clip) == (2, 1) and once(mark):
            os.kill(os.getpid(), signal.SIGKILL)

    status, said = drive(rig, planned, die_once)
    assert status == 0, said
    check_whole(planned)
    record = record_of(planned, 2)
    assert [attempt.status for attempt in record.attempts] == ["KILLED", "FINISHED"]
    lost = record.attempts[0]
    assert lost.error is not None
    assert lost.error.startswith("worker ")
    assert "the process was ended by SIGKILL" in lost.error
    assert lost.finished is not None
    first, second = makers(rig, 2)
    assert [attempt.process for attempt in record.attempts] == [first, second]
    clips = [(line.process, line.clip) for line in read_log(rig.log) if line.point == 2 and line.word == "begin"]
    assert clips == [(first, 0), (first, 1), (second, 1), (second, 2)]
    assert "warning: worker" in said
    # The one that died, the one that was left, and, where points were left, one in its place.
    assert len({line.process for line in read_log(rig.log)}) in (2, 3)


def test_a_point_that_ends_every_worker_has_failed_after_two_and_the_others_are_made(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)

    def die(request: Request, clip: int) -> None:
        time.sleep(0.05)
        if (request.steps, clip) == (1, 1):
            os.kill(os.getpid(), signal.SIGKILL)

    status, said = drive(rig, planned, die)
    assert status == 1
    assert [record.status for record in records_of(planned)] == ["FAILED", "FINISHED", "FINISHED", "FINISHED"]
    assert [attempt.status for attempt in record_of(planned, 1).attempts] == ["KILLED", "FAILED"]
    assert len(makers(rig, 1)) == 2
    assert "point 1 failed: worker" in said
    assert "ended by SIGKILL" in said
    assert "3 of 4 points finished; failed: 1" in said
    # The same command tries it again, as it does whatever failed.
    status, said = drive(rig, planned, no_trouble)
    assert status == 0, said
    assert record_of(planned, 1).status == "FINISHED"


def test_a_worker_that_hangs_is_ended_and_its_point_is_made_by_another(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS, "parallel.patience=1")
    mark = rig.folder / "mark"

    def hang_once(request: Request, clip: int) -> None:
        if (request.steps, clip) == (3, 1) and once(mark):
            time.sleep(1000)

    began = time.monotonic()
    status, said = drive(rig, planned, hang_once)
    assert status == 0, said
    assert time.monotonic() - began < 20
    record = record_of(planned, 3)
    assert [attempt.status for attempt in record.attempts] == ["KILLED", "FINISHED"]
    assert "has not got on for 1 s (parallel.patience)" in (record.attempts[0].error or "")
    assert not is_there(record.attempts[0].process)


def test_an_error_of_a_point_costs_no_worker(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)

    def fail(request: Request, clip: int) -> None:
        time.sleep(0.05)
        if request.steps == 2:
            raise ZeroDivisionError("a defect")

    status, said = drive(rig, planned, fail)
    assert status == 1
    assert "point 2 failed: ZeroDivisionError: a defect" in said
    assert [attempt.status for attempt in record_of(planned, 2).attempts] == ["FAILED"]
    assert len({line.process for line in read_log(rig.log)}) == 2
    assert "warning" not in said


def test_with_fail_fast_the_first_error_ends_all_workers(rig: Rig):
    planned = rig.plan("sampler.steps=1,2,3,4,5,6", *TWO_WORKERS, "fail_fast=true")

    def fail(request: Request, clip: int) -> None:
        time.sleep(0.3)
        if request.steps == 1:
            raise ZeroDivisionError("a defect")

    status, said = drive(rig, planned, fail)
    assert status == 1
    assert "point 1 failed: ZeroDivisionError: a defect" in said
    statuses = [record.status for record in records_of(planned)]
    assert statuses[0] == "FAILED"
    assert "KILLED" in statuses
    assert len(statuses) < 6
    assert read_record(planned.sweep.folder).status == "FAILED"


def test_workers_that_end_before_they_begin_end_the_sweep(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)

    def prepare() -> None:
        fork_members()
        # What every worker does first.
        from s2v_runner.parallel import jobs

        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(jobs, "_show", die)  # noqa: B010

    status, said = rig.start(planned, no_trouble, prepare).wait()
    assert status == 1
    assert "workers end before they begin a point. worker" in said
    assert "was ended by SIGKILL" in said
    assert records_of(planned) == []


def test_a_worker_whose_model_can_make_no_more_is_replaced(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)

    def has_made_none(_: object) -> bool:
        return not any(line.process == os.getpid() and line.clip == LAST_CLIP for line in read_log(rig.log))

    def prepare() -> None:
        fork_members()
        setattr(MemberSession, "is_whole", property(has_made_none))  # noqa: B010

    status, said = rig.start(planned, slowly, prepare).wait()
    assert status == 0, said
    check_whole(planned)
    assert sorted(len(makers(rig, steps)) for steps in planned.steps) == [1, 1, 1, 1]
    assert len({line.process for line in read_log(rig.log)}) == 4
    assert "warning" not in said


def test_a_record_that_a_worker_could_not_close_is_closed_for_it(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)

    def prepare() -> None:
        fork_members()
        setattr(losses, "_SECONDS_TO_BE_FOUND_OUT", 0.3)  # noqa: B010
        close = Recorder.close

        def fail_to_close(recorder: Recorder, *rest: Any) -> Any:
            if recorder.record.requested["sampler"]["steps"] == 2:
                raise OutputError(recorder.folder, OSError(errno.ENOSPC, "No space left on device"))
            return close(recorder, *rest)

        setattr(Recorder, "close", fail_to_close)  # noqa: B010

    status, said = rig.start(planned, slowly, prepare).wait()
    assert status == 1, said
    assert "3 of 4 points finished; failed: 2" in said
    attempts = record_of(planned, 2).attempts
    assert [attempt.status for attempt in attempts] == ["KILLED", "FAILED"]
    assert all("without having closed the record" in (attempt.error or "") for attempt in attempts)
    assert len({attempt.process for attempt in attempts}) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_all_workers_in_order(rig: Rig, number: signal.Signals):
    planned = rig.plan(POINTS, *TWO_WORKERS)
    child = start(rig, planned, wait_in_the_second_clip)
    wait_for_two(rig)
    child.kill(number)
    status, said = child.wait()
    assert status == 128 + number, said
    assert f"stopped by {number.name}" in said
    records = records_of(planned)
    assert [record.status for record in records] == ["KILLED", "KILLED"]
    assert all("Interrupted" in (record.error or "") for record in records)
    assert read_record(planned.sweep.folder).status == "KILLED"
    assert not any(is_there(record.attempts[-1].process) for record in records)
    # And goes on where it was.
    assert drive(rig, planned, no_trouble)[0] == 0
    check_whole(planned)


def test_workers_end_with_a_driver_that_was_killed_and_another_goes_on(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)
    child = start(rig, planned, wait_in_the_second_clip)
    wait_for_two(rig)
    child.kill(signal.SIGKILL)
    child.wait()
    records = records_of(planned)
    workers = [record.attempts[-1].process for record in records]
    until = time.monotonic() + 10
    while time.monotonic() < until and any(map(is_there, workers)):
        time.sleep(0.05)
    assert not any(map(is_there, workers))
    assert [record.status for record in records_of(planned)] == ["KILLED", "KILLED"]
    status, said = drive(rig, planned, no_trouble)
    assert status == 0, said
    check_whole(planned)


def test_two_commands_with_workers_share_a_sweep(rig: Rig):
    planned = rig.plan(POINTS, *TWO_WORKERS)
    first, second = (start(rig, planned, slowly) for _ in range(2))
    ends = [first.wait(), second.wait()]
    assert [status for status, _ in ends] == [0, 0], ends
    check_made_once(planned, read_log(rig.log))
    check_whole(planned)


def test_what_was_lost_before_is_closed_and_made(rig: Rig):
    planned = rig.plan(POINTS, *PLAIN)
    child = rig.start(planned, wait_in_the_second_clip)
    while not any(line.clip == 1 for line in read_log(rig.log)):
        time.sleep(0.05)
    child.kill(signal.SIGKILL)
    child.wait()
    assert [record.status for record in records_of(planned)] == ["RUNNING"]
    spread = rig.plan(POINTS, *TWO_WORKERS)
    status, said = drive(rig, spread, no_trouble)
    assert status == 0, said
    assert [attempt.status for attempt in record_of(planned, 1).attempts] == ["KILLED", "FINISHED"]
    check_whole(spread)


def wait_in_the_second_clip(request: Request, clip: int) -> None:
    if clip == 1:
        time.sleep(1000)


def wait_for_two(rig: Rig) -> None:
    """Until two workers are in their second clip."""
    until = time.monotonic() + 30
    while len({line.process for line in read_log(rig.log) if line.clip == 1}) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
