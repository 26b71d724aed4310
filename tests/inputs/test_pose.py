import dataclasses
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.pose import read_pose
from s2v_runner.records import FIXED, REFERENCE

BRIGHTNESS_A_SECOND = 60


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
    assert len(shown_times(path, 100, 0, FIXED)) == 32


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
    assert 5 <= len(shown_times(path, 40, 0, FIXED)) <= 6


def test_what_is_no_video_is_refused(tmp_path: Path, speech_file: Path):
    text = tmp_path / "pose.mp4"
    text.write_text("no video")
    for path, words in (
        (text, "cannot be read as a video"),
        (tmp_path / "absent.mp4", "no such file"),
        (speech_file, "no pictures in it"),
    ):
        with pytest.raises(InputError, match=words):
            list(read_pose(path, 8, 0, 16, FIXED))
