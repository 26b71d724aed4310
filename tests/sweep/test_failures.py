"""Points that fail, and what is done with them; sweeps that are asked to stop."""

import errno
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from s2v_runner import production
from s2v_runner.errors import GenerationError, OutputError
from s2v_runner.records import Request
from s2v_runner.tracking.record import RECORD_NAME, read_record
from tests.sweep.stub import Planned, Rig, check_made_once, check_whole, made, no_trouble, read_log, records_of, strays
from tests.sweep.test_processes import stuck_at

POINTS = "sampler.steps=1,2,3"


def failing(steps: int, error: Exception) -> Callable[[Request, int], None]:
    """A point that fails in its second clip."""

    def fail(request: Request, clip: int) -> None:
        if (request.steps, clip) == (steps, 1):
            raise error

    return fail


def statuses(planned: Planned) -> list[str]:
    return [record.status for record in records_of(planned)]


def attempts(planned: Planned) -> list[int]:
    return [len(record.attempts) for record in records_of(planned)]


def begun(rig: Rig) -> list[tuple[int, int]]:
    """The point and the clip of every beginning since this was asked last."""
    lines = read_log(rig.log)
    rig.log.unlink(missing_ok=True)
    return [(line.point, line.clip) for line in lines if line.word == "begin"]


@pytest.mark.parametrize(
    "error", [GenerationError("not finite"), ZeroDivisionError("a defect")], ids=lambda e: type(e).__name__
)
def test_a_point_that_fails_is_recorded_and_the_rest_go_on(rig: Rig, error: Exception):
    planned = rig.plan(POINTS)
    status, said = rig.start(planned, failing(2, error)).wait()
    assert status == 1
    assert "Traceback" not in said
    assert "point 2 failed" in said
    assert "2 of 3 points finished; failed: 2" in said
    assert statuses(planned) == ["FINISHED", "FAILED", "FINISHED"]
    assert type(error).__name__ in (records_of(planned)[1].error or "")
    assert "Traceback" in (planned.sweep.folder_of(planned.sweep.points[1]) / "run.log").read_text()
    assert read_record(planned.sweep.folder).status == "FAILED"

    begun(rig)
    rig.run(planned)
    assert begun(rig) == [(2, 1), (2, 2)]
    assert attempts(planned) == [1, 2, 1]
    check_whole(planned)


def test_with_fail_fast_the_first_failure_is_the_end(rig: Rig):
    planned = rig.plan(POINTS, "fail_fast=true")
    status, said = rig.start(planned, failing(2, GenerationError("not finite"))).wait()
    assert status == 1
    assert "not finite" in said
    assert statuses(planned) == ["FINISHED", "FAILED"]
    assert read_record(planned.sweep.folder).status == "FAILED"
    rig.run(planned)
    check_whole(planned)


def test_what_failed_may_be_left_or_tried_again_or_all_be_made_anew(rig: Rig):
    retry, skip, force = (rig.plan(POINTS, "base_seed=-1", f"resume={policy}") for policy in ("retry", "skip", "force"))
    rig.start(retry, failing(2, GenerationError("not finite"))).wait()
    (seed,) = {record.base_seed for record in records_of(retry)}
    begun(rig)

    status, said = rig.start(skip).wait()
    assert (status, begun(rig)) == (1, [])
    assert "what failed is left (resume=skip)" in said
    assert statuses(skip) == ["FINISHED", "FAILED", "FINISHED"]

    rig.run(retry)
    assert begun(rig) == [(2, 1), (2, 2)]
    assert {record.base_seed for record in records_of(retry)} == {seed}
    check_whole(retry)

    rig.run(force)
    assert begun(rig) == [(steps, clip) for steps in (1, 2, 3) for clip in range(3)]
    assert attempts(force) == [2, 3, 2]
    (drawn,) = {record.base_seed for record in records_of(force)}
    assert drawn != seed
    check_whole(force)
    rig.run(retry)
    assert begun(rig) == []


def test_what_was_cut_short_from_one_seed_is_not_gone_on_with_from_another(rig: Rig):
    retry, force = (rig.plan(POINTS, "base_seed=-1", f"resume={policy}") for policy in ("retry", "force"))
    for planned, stuck in ((retry, stuck_at(3, 2)), (force, stuck_at(2, 2))):
        child = rig.start(planned, stuck)
        child.lines_until("stuck")
        child.kill(signal.SIGKILL)
        child.wait()
    begun(rig)
    rig.run(retry)
    assert begun(rig) == [(2, 2), (3, 0), (3, 1), (3, 2)]
    assert len({record.base_seed for record in records_of(retry)}) == 1
    check_whole(retry)


@pytest.mark.parametrize("policy", ["retry", "skip"])
def test_a_finished_point_whose_video_is_gone_is_made_again(rig: Rig, policy: str):
    planned = rig.plan(POINTS, f"resume={policy}")
    rig.run(planned)
    whole = made(planned)
    (planned.sweep.folder_of(planned.sweep.points[1]) / "video.mp4").unlink()
    begun(rig)
    rig.run(planned)
    assert begun(rig) == [(2, clip) for clip in range(3)]
    assert made(planned) == whole
    check_whole(planned)


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 5000, b"[]", b'{"format": 1}'])
def test_a_point_whose_record_is_damaged_is_made_again(rig: Rig, content: bytes):
    planned = rig.plan("sampler.steps=1,2")
    rig.run(planned)
    whole = made(planned)
    (planned.sweep.folder_of(planned.sweep.points[1]) / RECORD_NAME).write_bytes(content)
    (planned.sweep.folder / RECORD_NAME).write_bytes(content)
    begun(rig)
    rig.run(planned)
    assert begun(rig) == [(2, clip) for clip in range(3)]
    assert made(planned) == whole
    check_whole(planned)
    check_made_once(planned, [])


def limit_file_size() -> None:
    # Enough for a record, too little for the frames of a clip. It is lifted again.
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))


def test_a_disk_that_was_full_for_a_while_costs_the_points_of_that_while(rig: Rig):
    def free_some_space(request: Request, clip: int) -> None:
        if request.steps == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    planned = rig.plan(POINTS)
    status, said = rig.start(planned, free_some_space, limit_file_size).wait()
    assert status == 1
    assert "point 1 failed" in said
    assert "Free some space" in said
    assert "Traceback" not in said
    assert statuses(planned) == ["FAILED", "FINISHED", "FINISHED"]
    rig.run(planned)
    check_whole(planned)


def test_a_disk_that_stays_full_ends_every_point_and_nothing_is_lost(rig: Rig):
    planned = rig.plan(POINTS)
    status, said = rig.start(planned, no_trouble, limit_file_size).wait()
    assert status == 1
    assert "Traceback" not in said
    assert statuses(planned) == ["FAILED"] * 3
    assert not list(planned.sweep.folder.rglob("video.mp4"))
    rig.run(planned)
    check_whole(planned)


def test_a_point_that_fails_at_its_end_leaves_nothing_half_written(rig: Rig):
    """Nobody comes back to it with `resume=skip`."""

    def fail(path: Path, pixels: object, longest_side: int) -> None:
        raise OutputError(path, OSError(errno.ENOSPC, "No space left on device"))

    planned = rig.plan(POINTS, "resume=skip", "output=png")
    with patch.object(production, "write_thumbnail", fail):
        status, said = rig.start(planned).wait()
    assert status == 1
    assert said.count("No space left on device") == 3
    assert statuses(planned) == ["FAILED"] * 3
    assert [path for path in strays(rig.outputs) if not path.endswith("/resume")] == []


@pytest.mark.parametrize(("before", "after"), [("png", "video"), ("lossless", "png"), ("video", "lossless")])
def test_a_point_may_be_gone_on_with_for_other_files(rig: Rig, before: str, after: str):
    first, second = rig.plan(POINTS, f"output={before}"), rig.plan(POINTS, f"output={after}")
    child = rig.start(first, stuck_at(2, 1))
    child.lines_until("stuck")
    child.kill(signal.SIGKILL)
    child.wait()
    begun(rig)
    rig.run(second)
    assert begun(rig) == [(2, 1), (2, 2), (3, 0), (3, 1), (3, 2)]
    check_whole(second)


def test_a_process_of_another_machine_that_is_gone_is_not_waited_for(rig: Rig):
    planned = rig.plan("sampler.steps=1,2", "base_seed=-1")
    with patch.object(socket, "gethostname", lambda: "elsewhere"):
        child = rig.start(planned, stuck_at(2, 1))
        child.lines_until("stuck")
    child.kill(signal.SIGKILL)
    child.wait()
    assert read_record(planned.sweep.folder).attempts[0].host == "elsewhere"
    rig.run(planned)
    check_whole(planned)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sweep_in_order(rig: Rig, number: signal.Signals):
    planned = rig.plan(POINTS)
    child = rig.start(planned, stuck_at(2, 1))
    child.lines_until("stuck")
    child.kill(number)
    status, said = child.wait()
    assert status == 128 + number
    assert f"stopped by {number.name}" in said
    assert "Traceback" not in said
    assert statuses(planned) == ["FINISHED", "KILLED"]
    assert read_record(planned.sweep.folder).status == "KILLED"
    begun(rig)
    rig.run(planned)
    assert begun(rig) == [(2, 1), (2, 2), (3, 0), (3, 1), (3, 2)]
    check_whole(planned)


def test_copies_of_the_videos_are_there_and_nothing_of_their_making(rig: Rig):
    copies = rig.folder / "copies"
    planned = rig.plan("sampler.steps=1,2", f"save_file={copies}/{{sampler.steps}}.mp4")
    rig.run(planned)
    assert sorted(path.name for path in copies.iterdir()) == ["1.mp4", "2.mp4"]
    for point in planned.sweep.points:
        video = planned.sweep.folder_of(point) / "video.mp4"
        assert Path(copies / f"{point.run.request.steps}.mp4").read_bytes() == video.read_bytes()


def test_what_nobody_goes_on_writing_is_taken_away(rig: Rig):
    """Also where its file is there and not written again."""
    planned = rig.plan("sampler.steps=1,2")
    rig.run(planned)
    folder, point = planned.sweep.folder, planned.sweep.folder_of(planned.sweep.points[0])
    left = [place / ".file.unfinished" for place in (rig.outputs, folder, point)]
    (point / "resume").mkdir()
    for path in (*left, point / "resume" / "state.safetensors"):
        path.touch()
    rig.run(planned)
    check_whole(planned)

    (rig.outputs / "inputs" / ".file.unfinished").touch()
    (point / RECORD_NAME).unlink()
    rig.run(planned)
    check_whole(planned)
