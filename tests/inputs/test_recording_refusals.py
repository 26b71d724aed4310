"""What is not heard, and what is said of it."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from s2v_runner.errors import InputError
from s2v_runner.inputs.recording import prepare_recording, probe_recording
from tests.inputs.sounds import WHOLE, chirping, heard_of, prepare, write_track


def test_more_than_the_limit_is_refused_or_cut(tmp_path: Path, target: Path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, chirping(4, 16000), 16000)
    for settings, length in (
        (heard_of(limit=3.0), "4 s"),
        (heard_of(limit=1.5, duration=2.0), "2 s"),
        (heard_of(start=1.0, limit=2.0), "3 s"),
    ):
        with pytest.raises(InputError, match=rf"{length} of it would be heard.*audio\.limit.*audio\.too_long=cut"):
            probe_recording(path, settings)
    assert probe_recording(path, heard_of(limit=3.0, duration=2.0)).frames == 32000
    assert probe_recording(path, heard_of(limit=4.0)).is_as_it_is
    cut = heard_of(limit=1.5, too_long="cut", fade=0.1)
    assert not probe_recording(path, cut).is_as_it_is
    assert len(prepare(path, cut, target)) == 24000
    (warning,) = prepare_recording(path, cut, target).warnings
    assert "goes on after audio.limit=1.5 s" in warning


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": 2.0}, r"audio\.start=2: .* ends at 2\.00 s"),
        ({"start": 99.0}, r"audio\.start=99: .* ends at 2\.00 s"),
        ({"start": -1.0}, r"audio\.start=-1: it must be"),
        ({"start": float("nan")}, r"audio\.start=nan: it must be"),
        ({"start": 1e306}, r"audio\.start=1e\+306: it must be"),
        ({"duration": 0.0}, r"audio\.duration=0: it must be"),
        ({"duration": -2.0}, r"audio\.duration=-2: it must be"),
        ({"duration": float("inf")}, r"audio\.duration=inf: it must be"),
        ({"fade": -0.1}, r"audio\.fade=-0\.1: it must be"),
        ({"limit": 0.0}, r"audio\.limit=0: it must be"),
        ({"loudness": 3.0}, r"audio\.loudness=3: it must be"),
        ({"loudness": -90.0}, r"audio\.loudness=-90: it must be"),
    ],
)
@pytest.mark.parametrize("name", ["speech.wav", "speech.mka", "speech.m4a", "speech.mp3"])
def test_a_part_that_is_not_there_is_refused(tmp_path: Path, changes: dict, said: str, name: str):
    path = tmp_path / name
    codec = {"speech.mka": "flac", "speech.m4a": "alac"}.get(name)
    if codec is None:
        soundfile.write(path, chirping(2, 16000), 16000)
    else:
        write_track(path, chirping(2, 16000), 16000, codec=codec)
    with pytest.raises(InputError, match=said) as refused:
        probe_recording(path, heard_of(**changes))
    assert "\n" not in str(refused.value)


def test_what_is_no_recording_is_refused(tmp_path: Path, target: Path):
    text, raw, empty = tmp_path / "text.txt", tmp_path / "sound.raw", tmp_path / "empty.wav"
    text.write_text("no sound")
    raw.write_bytes(bytes(1000))
    empty.touch()
    nothing = tmp_path / "nothing.wav"
    soundfile.write(nothing, np.zeros(0), 16000)
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    many = tmp_path / "many.wav"
    soundfile.write(many, np.zeros((100, 9)), 16000)
    picture = tmp_path / "picture.png"
    Image.new("RGB", (32, 32)).save(picture)
    for path, said in (
        (text, "as audio|no sound"),
        (raw, "as audio|no sound"),
        (empty, "as audio"),
        (nothing, "it is empty"),
        (pipe, "a pipe"),
        (tmp_path, "a folder"),
        (tmp_path / "absent.wav", "no such file"),
        (many, "9 channels"),
        (picture, "no sound in it"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            prepare_recording(path, WHOLE, target)
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)
    assert not target.exists()


def test_a_video_without_sound_is_refused(tmp_path: Path):
    path = tmp_path / "mute.mp4"
    write_track(path, chirping(1, 16000), 16000, codec="aac", pictures=1)
    silent = tmp_path / "silent.mkv"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    assert probe_recording(path, WHOLE).channels == 1
    with pytest.raises(InputError, match="no sound in it"):
        probe_recording(silent, WHOLE)


def test_samples_that_are_no_numbers_are_refused_and_nothing_is_left(tmp_path: Path, target: Path):
    path = tmp_path / "broken.wav"
    samples = chirping(2, 16000)
    samples[30000] = np.nan
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    for settings in (heard_of(start=0.5), heard_of(loudness=-23.0)):
        with pytest.raises(InputError, match="no numbers"):
            prepare_recording(path, settings, target)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.wav"]
    prepare_recording(path, heard_of(duration=1.0), target)


@pytest.mark.parametrize("name", ["speech.flac", "speech.m4a", "speech.mp4"])
def test_a_recording_that_breaks_off_is_refused_and_nothing_is_left(tmp_path: Path, target: Path, name: str):
    path = tmp_path / name
    if name == "speech.flac":
        soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 64000), 16000)
    else:
        write_track(
            path, chirping(20, 44100), 44100, codec="aac", pictures=20 if name == "speech.mp4" else 0,
            options={"movflags": "faststart"},
        )  # fmt: skip
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(InputError, match="breaks off"):
        prepare_recording(path, heard_of(start=0.1), target)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_kept_file_survives_what_fails(tmp_path: Path, target: Path):
    target.write_text("from before")
    path = tmp_path / "speech.wav"
    samples = chirping(1, 16000)
    samples[-1] = np.inf
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    with pytest.raises(InputError):
        prepare_recording(path, heard_of(start=0.5), target)
    assert target.read_text() == "from before"
