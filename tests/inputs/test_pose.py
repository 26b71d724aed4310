import dataclasses
import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.pose import probe_pose, read_pose, report_pose
from s2v_runner.plan import plan_run
from s2v_runner.records import FIXED, REFERENCE, Request, RunPlan

BRIGHTNESS_A_SECOND = 60
ENDED = dataclasses.replace(FIXED, pose_end="black")


def write_clock(path: Path, times: list[float], rate: int = 1000) -> Path:
    """A video whose brightness is the time at which each frame is shown."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=rate)
        stream.width = stream.height = 32
        stream.pix_fmt = "rgb24"
        stream.options = {"qp": "0"}
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for time in times:
            pixels = np.full((32, 32, 3), round(time * BRIGHTNESS_A_SECOND), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shown_times(path: Path, frames: int, lead: int, compat) -> list[float]:
    return [frame.mean() / BRIGHTNESS_A_SECOND for frame in read_pose(path, frames, lead, 16, compat)]


@pytest.mark.parametrize("rate", [10, 12, 16, 23.976, 24, 25, 30, 50, 60])
def test_poses_run_at_the_speed_of_the_video_whatever_its_rate(tmp_path: Path, rate: float):
    path = write_clock(tmp_path / "pose.mkv", [index / rate for index in range(round(3 * rate))])
    times = shown_times(path, 40, 0, FIXED)
    assert len(times) == 40
    wanted = np.arange(40) / 16
    assert np.abs(np.array(times) - wanted).max() <= 1 / rate + 0.02
    assert times[-1] - times[0] == pytest.approx(39 / 16, abs=1 / rate + 0.02)


def test_poses_of_a_variable_rate_keep_their_times(tmp_path: Path):
    times = [0.0, 0.1, 0.15, 0.5, 0.9, 1.0, 1.6, 2.0]
    shown = shown_times(write_clock(tmp_path / "pose.mkv", times), 30, 0, FIXED)
    wanted = [max(time for time in times if time <= index / 16 + 1e-3) for index in range(30)]
    assert shown == pytest.approx(wanted, abs=0.01)


def test_frames_that_are_thrown_away_come_before_time_0(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [index / 16 for index in range(32)])
    assert shown_times(path, 8, 3, FIXED) == pytest.approx([0, 0, 0, 0, 1 / 16, 2 / 16, 3 / 16, 4 / 16], abs=0.01)


def test_frames_that_are_thrown_away_see_the_first_pose_by_either_sampling(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [index / 16 for index in range(32)], rate=16)
    mixed = dataclasses.replace(FIXED, pose_sampling="stride")
    assert shown_times(path, 8, 3, mixed) == pytest.approx([0, 0, 0, 0, 1 / 16, 2 / 16, 3 / 16, 4 / 16], abs=0.01)


def test_a_raw_stream_without_stamps_follows_its_rate(tmp_path: Path):
    path = tmp_path / "pose.h264"
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        for index in range(50):
            pixels = np.full((32, 32, 3), index * 4, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    assert len(shown_times(path, 100, 0, ENDED)) == 32
    assert probe_pose(path, 16).fps == 25
    assert probe_pose(path, 16).seconds == pytest.approx(2.0)


def test_a_name_with_a_colon_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_clock(tmp_path / "x.mkv", [0.0, 0.1]).rename(tmp_path / "pose:1.mkv")
    monkeypatch.chdir(tmp_path)
    assert shown_times(Path("pose:1.mkv"), 1, 0, FIXED) == [0.0]


def test_the_reference_takes_every_nth_frame(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [index / 50 for index in range(100)], rate=50)
    assert shown_times(path, 8, 0, REFERENCE) == pytest.approx([index * 3 / 50 for index in range(8)], abs=0.01)


def test_a_short_pose_video_gives_the_frames_it_has(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [index / 16 for index in range(5)], rate=16)
    assert len(shown_times(path, 40, 0, REFERENCE)) == 5
    assert 5 <= len(shown_times(path, 40, 0, ENDED)) <= 6


def test_past_the_end_the_last_pose_is_held(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [index / 16 for index in range(5)], rate=16)
    times = shown_times(path, 40, 3, FIXED)
    assert len(times) == 40
    assert times[:8] == pytest.approx([0, 0, 0, 0, 1 / 16, 2 / 16, 3 / 16, 4 / 16], abs=0.01)
    assert times[8:] == pytest.approx([4 / 16] * 32, abs=0.01)


def test_past_the_end_it_begins_again(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mp4", [index / 16 for index in range(5)], rate=16)
    looped = dataclasses.replace(FIXED, pose_end="loop")
    once = shown_times(path, 40, 0, dataclasses.replace(FIXED, pose_end="black"))
    assert 5 <= len(once) <= 6
    # The frames that are thrown away are there once.
    assert shown_times(path, 40, 2, looped) == ([once[0]] * 2 + once * 9)[:40]


def test_a_video_of_one_frame_is_a_pose_that_stays(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [0.0])
    assert len(shown_times(path, 20, 3, FIXED)) == 20


def write_corner(path: Path) -> Path:
    """Ten seconds of noise of 64x32 whose upper left quarter is white and whose lower half is black."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 32
        stream.pix_fmt = "yuv420p"
        for index in range(250):
            pixels = np.random.default_rng(index).integers(60, 190, (32, 64, 3), np.uint8)
            pixels[:16, :32], pixels[16:] = 255, 0
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("matrix", "white"), [((0, 1, -1, 0), (4, -5)), ((-1, 0, 0, -1), (-5, -5)), ((0, -1, 1, 0), (-5, 4))]
)
def test_a_video_is_turned_as_its_metadata_asks(tmp_path: Path, matrix: tuple[int, ...], white: tuple[int, int]):
    path = write_corner(tmp_path / "pose.mp4")
    content = bytearray(path.read_bytes())
    # Version and flags, times and numbers, reserved, layer to volume: then nine numbers, of which these are the turn.
    place = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    a, b, c, d = (part << 16 for part in matrix)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    header = probe_pose(path, 16)
    frame = next(read_pose(path, 3, 0, 16, FIXED))
    assert (header.height, header.width) == frame.shape[:2] == ((32, 64) if matrix[0] else (64, 32))
    assert header.turned
    assert frame[white].min() > 240
    corners = {(row, column): frame[row, column].min() for row in (4, -5) for column in (4, -5)}
    assert sum(value > 240 for value in corners.values()) == 1


def test_a_video_of_varying_rate_is_as_long_as_it_is_shown(tmp_path: Path):
    path = write_clock(tmp_path / "pose.mkv", [0.0, 0.1, 0.15, 0.5, 0.9, 1.0, 1.6, 2.0])
    header = probe_pose(path, 16)
    assert header.frames == 8
    assert header.seconds == pytest.approx(2.0, abs=0.05)
    assert len(list(read_pose(path, 100, 0, 16, ENDED))) in (32, 33)


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_a_video_that_breaks_off_is_refused_before_a_frame_is_made(tmp_path: Path, share: float):
    path = write_corner(tmp_path / "pose.mp4")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match=r"breaks off after \d\.\d\d of 10\.00 s"):
        read_pose(path, 8, 0, 16, FIXED)


def test_a_video_that_is_damaged_in_the_middle_is_refused_where_it_is(tmp_path: Path):
    path = write_corner(tmp_path / "pose.mp4")
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 3000] = bytes(3000)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"pose\.path '.*pose\.mp4': it breaks off"):
        list(read_pose(path, 160, 0, 16, FIXED))


def test_a_header_alone_is_no_video(tmp_path: Path):
    path = tmp_path / "pose.mkv"
    whole = write_clock(tmp_path / "whole.mkv", [0.0, 0.1]).read_bytes()
    # The first cluster of frames begins with these.
    path.write_bytes(whole[: whole.index(bytes.fromhex("1f43b675"))])
    with pytest.raises(InputError, match=r"cannot be read as a video|no pictures in it"):
        read_pose(path, 8, 0, 16, FIXED)


def planned(request_for: Callable[..., Request], seconds: float, height: int, width: int) -> RunPlan:
    return plan_run(request_for(exact_size=(height, width)), (height, width), round(seconds * 16000), 16000)


def test_a_pose_that_fits_has_little_said_of_it(tmp_path: Path, request_for: Callable[..., Request]):
    path = write_clock(tmp_path / "pose.mkv", [index / 16 for index in range(33)], rate=16)
    report = report_pose(path, planned(request_for, 2.0, 64, 64), 16, FIXED)
    assert report.words == "32x32, 16 fps, 2.06 s, 32 poses used, scaled by 2"
    assert report.facts["seconds_after_end"] == 0
    assert report.warnings == ()


def test_what_is_cut_and_what_is_held_is_said(tmp_path: Path, request_for: Callable[..., Request]):
    path = write_clock(tmp_path / "pose.mkv", [index / 16 for index in range(16)], rate=16)
    plan = planned(request_for, 3.0, 64, 128)
    report = report_pose(path, plan, 16, FIXED)
    after_end = report.facts["seconds_after_end"]
    assert after_end == pytest.approx(2.0, abs=0.07)
    assert "scaled by 4, 64 rows cut, held for the last" in report.words
    cut, short = report.warnings
    assert "50% of the poses" in cut
    assert "64 rows cut" in cut
    assert short.endswith("s before the video does: held from there on (pose.end=hold)")
    whole = report_pose(path, plan, 16, dataclasses.replace(FIXED, picture_fit="pad", pose_end="black"))
    assert "scaled by 2, 64 columns of border, black for the last" in whole.words
    (short,) = whole.warnings
    assert "black from there on (pose.end=black)" in short


def test_a_single_pose_is_said_to_be_one(tmp_path: Path, request_for: Callable[..., Request]):
    path = write_clock(tmp_path / "pose.mkv", [0.0], rate=16)
    assert "1 pose used, " in report_pose(path, planned(request_for, 1.0, 64, 64), 16, FIXED).words


def test_what_is_no_video_is_refused(tmp_path: Path, speech_file: Path):
    text = tmp_path / "pose.mp4"
    text.write_text("no video")
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    for path, words in (
        (text, "cannot be read as a video"),
        (tmp_path / "absent.mp4", "no such file"),
        (tmp_path, "it is a folder"),
        (pipe, "a pipe"),
        (speech_file, "no pictures in it"),
    ):
        with pytest.raises(InputError, match=words):
            list(read_pose(path, 8, 0, 16, FIXED))
