import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.comparison.reading import ComparedPoint, read_sweep
from s2v_runner.errors import InputError
from s2v_runner.prepare import DRAWN_SEED
from s2v_runner.tracking.definition import read_definition, write_definition
from s2v_runner.tracking.folder import hold
from s2v_runner.tracking.record import read_record
from tests.comparison.looks import TINY
from tests.comparison.sweeps import SEED, change_record, folder_of, make_sweep, set_status


def read(sweep: Path, number: int) -> ComparedPoint:
    return read_sweep(sweep).points[number - 1]


def test_finished_points_have_their_footage(made_sweep: Path):
    points = read_sweep(made_sweep).points
    assert [point.number for point in points] == [1, 2, 3, 4, 5, 6]
    assert {point.status for point in points} == {"FINISHED"}
    footage = points[2].footage
    assert footage is not None
    assert (footage.width, footage.height, footage.frames, footage.fps) == (64, 48, 12, 16)
    assert footage.seconds == 0.75
    assert footage.measured == footage.video == folder_of(made_sweep, 3) / "video.mp4"
    frames = read_record(folder_of(made_sweep, 3)).frames
    assert frames is not None
    assert footage.sha256 == frames["sha256"]
    assert len({point.footage.key for point in points if point.footage is not None}) == 6


def test_frames_without_loss_are_measured_where_they_are(tmp_path: Path):
    sweep = make_sweep(tmp_path, {"sampler.steps": [1, 2]}, replace(TINY, lossless=True))
    (folder_of(sweep, 2) / "frames.mkv").unlink()
    first, second = (point.footage for point in read_sweep(sweep).points)
    assert first is not None
    assert second is not None
    assert (first.video.name, first.measured.name) == ("video.mp4", "frames.mkv")
    assert second.measured == second.video


def test_points_that_did_not_finish_say_why(sweep: Path):
    set_status(sweep, 1, "FAILED", "GenerationError: not finite")
    set_status(sweep, 2, "KILLED", "Interrupted: SIGINT")
    set_status(sweep, 3, "RUNNING", None)
    shutil.rmtree(folder_of(sweep, 4))
    points = read_sweep(sweep).points
    assert [(point.status, point.error) for point in points[:4]] == [
        ("FAILED", "GenerationError: not finite"),
        ("KILLED", "Interrupted: SIGINT"),
        ("KILLED", "the process ended without a word"),
        ("MISSING", None),
    ]
    assert all(point.footage is None for point in points[:4])
    assert points[3].record is None
    assert points[4].status == "FINISHED"


def test_a_point_whose_process_is_there_is_running(sweep: Path):
    set_status(sweep, 1, "RUNNING", None)
    lock = hold(folder_of(sweep, 1))
    assert lock is not None
    assert (read(sweep, 1).status, read(sweep, 1).error) == ("RUNNING", None)
    lock.release()
    assert read(sweep, 1).status == "KILLED"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "video.mp4").unlink(), "'video.mp4' is gone"),
        (lambda folder: (folder / "video.mp4").write_bytes(b""), "it cannot be read"),
        (lambda folder: (folder / "video.mp4").write_text("no video"), "it cannot be read"),
        (lambda folder: (folder / "record.json").write_text("{"), "its record cannot be used"),
    ],
)
def test_a_finished_point_whose_video_cannot_be_had_is_lost(sweep: Path, damage, says: str):
    damage(folder_of(sweep, 5))
    point = read(sweep, 5)
    assert (point.status, point.footage) == ("LOST", None)
    assert says in (point.error or "")


def test_a_video_must_be_the_one_that_was_made(sweep: Path):
    change_record(sweep, 1, frames={"count": 12, "width": 128, "height": 96, "sha256": "00" * 32})
    assert read(sweep, 1).error == "'video.mp4' is 64x48, and 128x96 was made"
    change_record(sweep, 1, frames=None)
    assert read(sweep, 1).error == "its record says nothing of the frames"


def test_a_point_of_a_seed_that_was_drawn_before_has_not_been_begun(sweep: Path):
    requested = read_record(folder_of(sweep, 1)).requested
    change_record(sweep, 1, requested={**requested, "base_seed": DRAWN_SEED})
    change_record(sweep, 2, requested={**requested, "base_seed": SEED})
    assert [read(sweep, number).status for number in (1, 2)] == ["FINISHED", "FINISHED"]
    write_definition(sweep, replace(read_definition(sweep), base_seed=7))
    assert [read(sweep, number).status for number in (1, 2)] == ["MISSING", "FINISHED"]


def test_what_is_no_sweep_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"no sweep\.json"):
        read_sweep(tmp_path)
