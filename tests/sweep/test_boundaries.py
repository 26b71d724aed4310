"""A sweep that is killed wherever something is about to be written, and started again."""

import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from s2v_runner.digests import digest_file
from s2v_runner.sampling.states import read_state
from s2v_runner.sweep.states import read_states
from s2v_runner.tracking.record import RECORD_NAME, read_record
from tests.conftest import CPU
from tests.sweep.boundaries import Boundary
from tests.sweep.stub import LogLine, Planned, Rig, check_made_once, check_whole, made, read_log, records_of, strays

CLIPS = 2


def kill_everywhere(rig: Rig, planned: Planned, before: Path | None, is_torn: bool) -> Iterator[int]:
    """Kill a sweep at its first place to write, at its second and so on, until it comes to its end.

    It begins with nothing, or with what there was `before`.
    """
    for place in count(1):
        rig.clear()
        if before is not None:
            shutil.copytree(before, rig.outputs)
        boundary = Boundary(rig.outputs, place, signal.SIGKILL, is_torn)
        status, said = rig.start(planned, prepare=boundary.install).wait()
        if status == 0:
            return
        assert status == -signal.SIGKILL, said
        yield place


def next_clips(planned: Planned) -> dict[int, list[int]]:
    """The clips that are to be made of each point, by its steps, as a look into the folders says."""
    clips: dict[int, list[int]] = {}
    for point, state in zip(planned.sweep.points, read_states(planned.sweep, None).values(), strict=True):
        kept = planned.sweep.folder_of(point) / "resume" / "state.safetensors"
        begin = read_state(kept, CPU).next_clip if kept.exists() else 0
        clips[point.run.request.steps] = [] if state.standing == "finished" else list(range(begin, CLIPS))
    return clips


def begun(lines: list[LogLine], planned: Planned) -> dict[int, list[int]]:
    """The clips that were begun of each point, by its steps."""
    clips: dict[int, list[int]] = {steps: [] for steps in planned.steps}
    for line in lines:
        if line.word == "begin":
            clips[line.point].append(line.clip)
    return clips


def finished_at(planned: Planned) -> dict[Path, int]:
    """When the videos of the finished points were written."""
    states = read_states(planned.sweep, None)
    folders = [
        planned.sweep.folder_of(point)
        for point in planned.sweep.points
        if states[point.definition.number].standing == "finished"
    ]
    return {folder: (folder / "video.mp4").stat().st_mtime_ns for folder in folders}


@pytest.mark.parametrize(("is_torn", "least"), [(False, 100), (True, 40)], ids=["before", "amid"])
def test_a_sweep_goes_on_wherever_it_was_killed(rig: Rig, is_torn: bool, least: int):
    planned = rig.plan("sampler.steps=1,2", f"num_clip={CLIPS}")
    rig.run(planned)
    whole = made(planned)
    place = 0
    for place in kill_everywhere(rig, planned, None, is_torn):
        lines, wanted, finished = len(read_log(rig.log)), next_clips(planned), finished_at(planned)
        rig.run(planned)
        check_whole(planned)
        assert made(planned) == whole, place
        log = read_log(rig.log)
        check_made_once(planned, log)
        assert begun(log[lines:], planned) == wanted, place
        after = finished_at(planned)
        assert {folder: after[folder] for folder in finished} == finished, place
    # As many as there were when this was written, or nearly so: fewer are not all.
    assert place >= least
    check_whole(planned)


def test_what_is_made_anew_is_so_wherever_it_was_killed(rig: Rig):
    """Over an older one, with pictures and a copy whose name is never the same."""
    words = ("sampler.steps=1,1", "num_clip=1", "output=png")
    copy = f"save_file={rig.outputs}/copies/{{sampler.steps}}_{{time}}.mp4"
    planned, anew = rig.plan(*words), rig.plan(*words, copy, "resume=force")
    rig.run(planned)
    (record,) = records_of(planned)
    stills = [digest_file(path) for path in sorted((planned.sweep.folder).rglob("frames/*"))]
    before = rig.folder / "before"
    rig.outputs.rename(before)
    place = 0
    for place in kill_everywhere(rig, anew, before, is_torn=False):
        rig.run(anew)
        check_whole(anew)
        (again,) = records_of(anew)
        assert len(again.attempts) > len(record.attempts), place
        assert again.frames == record.frames, place
        assert [digest_file(path) for path in sorted((anew.sweep.folder).rglob("frames/*"))] == stills, place
        assert Path(again.files["save_file"]).is_file()
    assert place >= 60


def test_a_sweep_ends_in_order_wherever_it_is_asked_to_stop(rig: Rig):
    planned = rig.plan("sampler.steps=1,2", f"num_clip={CLIPS}")
    place = 0
    # Every fifth place: it is about order, and the places are the same.
    for place in count(1, 5):
        rig.clear()
        boundary = Boundary(rig.outputs, place, signal.SIGINT, is_torn=False)
        status, said = rig.start(planned, prepare=boundary.install).wait()
        if status == 0:
            break
        assert status == 128 + signal.SIGINT, said
        assert "Traceback" not in said
        folders = [path.parent for path in planned.sweep.folder.rglob(RECORD_NAME)]
        assert "RUNNING" not in [read_record(folder).status for folder in folders], place
        assert [path for path in strays(rig.outputs) if not path.endswith("/resume")] == [], place
    assert place > 100
    check_whole(planned)
