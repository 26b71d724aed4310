"""Sound that only FFmpeg reads."""

import time
from pathlib import Path

import numpy as np
import pytest

from s2v_runner.inputs.recording import prepare_recording
from tests.inputs.sounds import WHOLE, chirping, heard_of, lag, prepare, write_track


@pytest.mark.parametrize(
    ("name", "codec", "rate", "pictures", "late"),
    [
        ("speech.m4a", "aac", 44100, 0, 1023),
        ("speech.m4a", "alac", 44100, 0, 0),
        ("speech.opus", "libopus", 48000, 0, 0),
        ("speech.webm", "libopus", 48000, 0, 0),
        ("speech.mka", "flac", 12345, 0, 0),
        ("speech.mp4", "aac", 48000, 3, 100),
        ("speech.mov", "aac", 22050, 3, 100),
        ("speech.mkv", "aac", 44100, 3, 1023),
        ("speech.mp4", "ac3", 48000, 3, 1535),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_soundfile_does_not_read_is_heard_where_it_was_recorded(
    tmp_path: Path, target: Path, name: str, codec: str, rate: int, pictures: float, late: int, channels: int
):
    meant = chirping(3, rate, channels)
    path = write_track(tmp_path / name, meant, rate, codec=codec, pictures=pictures)
    heard = prepare(path, WHOLE, target)
    # An encoder fills up its last frame; where the header tells, that is left out to the millisecond it counts in.
    assert -0.002 * rate <= len(heard) - len(meant) <= max(late, 0)
    for channel in range(channels):
        assert abs(lag(heard[:, channel], meant[:, channel])) <= 1
    part = prepare(path, heard_of(start=1.0, duration=1.5), target)
    assert np.array_equal(part, heard[rate : rate + round(1.5 * rate)])


def test_a_part_far_into_a_file_is_found_without_what_is_before(tmp_path: Path, target: Path):
    rate = 8000
    meant = chirping(120, rate)
    path = write_track(tmp_path / "speech.m4a", meant, rate, codec="aac")
    times = [time.process_time()]
    whole = prepare(path, WHOLE, target)
    times.append(time.process_time())
    part = prepare(path, heard_of(start=110.0, duration=1.0), target)
    times.append(time.process_time())
    assert times[2] - times[1] < 0.3 * (times[1] - times[0])
    begin = 110 * rate
    assert np.abs(part - whole[begin : begin + rate]).max() < 1e-3
    assert lag(part[:, 0], meant[begin : begin + rate, 0], 1000) == 0


def test_six_channels_keep_their_places(tmp_path: Path, target: Path):
    meant = chirping(1, 48000, 6) * np.linspace(0.1, 1, 6, dtype=np.float32)
    path = write_track(tmp_path / "speech.mka", meant, 48000, codec="flac")
    assert np.abs(prepare(path, WHOLE, target) - meant).max() < 1e-3


def test_sound_that_begins_after_the_pictures_is_heard_with_them(tmp_path: Path, target: Path):
    meant = chirping(2, 44100)
    path = write_track(tmp_path / "late.mp4", meant, 44100, codec="aac", pictures=3, begins=0.75)
    heard = prepare(path, WHOLE, target)
    assert len(heard) / 44100 == pytest.approx(2.75, abs=0.005)
    silence = round(0.75 * 44100)
    assert not heard[: silence - 2048].any()
    assert abs(lag(heard[silence:, 0], meant[:, 0])) <= 44
    part = prepare(path, heard_of(start=0.5, duration=1.0), target)
    assert np.array_equal(part, heard[22050 : 22050 + 44100])


def test_of_several_tracks_the_first_is_heard_and_it_is_said(tmp_path: Path, target: Path):
    path = write_track(tmp_path / "two.mka", chirping(1, 16000), 16000, codec="flac", tracks=2)
    (warning,) = prepare_recording(path, WHOLE, target).warnings
    assert "has 2 sound tracks; the first is heard" in warning
