from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from PIL.ExifTags import Base

from s2v_runner.errors import InputError
from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.picture import read_picture
from s2v_runner.inputs.probe import SoundHeader, probe_picture, probe_sound
from s2v_runner.records import FIXED, REFERENCE


def write_noise(path: Path, frames: int, rate: int, channels: int = 1) -> Path:
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (frames, channels)), rate)
    return path


@pytest.mark.parametrize("rate", [8000, 11025, 12345, 16000, 22050, 24000, 44100, 48000, 96000])
def test_a_recording_is_as_long_as_it_will_be_read(tmp_path: Path, rate: int):
    for more in (0, 1, 777):
        path = write_noise(tmp_path / "sound.wav", rate // 4 + more, rate, channels=2)
        header = probe_sound(path)
        assert header == SoundHeader(rate // 4 + more, rate, 2)
        assert header.speech_samples == len(read_sound(path).samples)


@pytest.mark.parametrize("rate", [16000, 24000, 44100])
@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac"])
def test_a_compressed_recording_is_as_long_as_it_will_be_read(tmp_path: Path, suffix: str, rate: int):
    path = write_noise(tmp_path / f"sound.{suffix}", round(0.77 * rate), rate)
    assert probe_sound(path).speech_samples == len(read_sound(path).samples)
    assert probe_sound(path).seconds == pytest.approx(0.77, abs=0.08)


@pytest.mark.parametrize("suffix", ["wav", "mp3", "ogg"])
def test_a_recording_that_breaks_off_is_as_long_as_what_is_there(tmp_path: Path, suffix: str):
    whole = write_noise(tmp_path / f"whole.{suffix}", 64000, 16000)
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert 0 < probe_sound(path).frames < 64000
    assert probe_sound(path).speech_samples == len(read_sound(path).samples)


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_a_picture_is_as_high_and_wide_as_it_will_be_read(tmp_path: Path, orientation: int | None):
    path = tmp_path / "picture.jpg"
    exif = Image.Exif()
    if orientation is not None:
        exif[Base.Orientation] = orientation
    Image.new("RGB", (40, 20)).save(path, exif=exif)
    for compat in (FIXED, REFERENCE):
        assert probe_picture(path, compat) == read_picture(path, compat).size
    assert probe_picture(path, FIXED) == ((40, 20) if (orientation or 1) >= 5 else (20, 40))
    assert probe_picture(path, REFERENCE) == (20, 40)


def test_what_is_no_sound_is_refused(tmp_path: Path, write_sound: Callable[[np.ndarray], Path]):
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    for path, said in (
        (text, "cannot be read as audio"),
        (tmp_path / "absent.wav", "no such file"),
        (tmp_path, "it is a folder"),
        (tmp_path / ("long" * 80 + ".wav"), "cannot be read as a file"),
        (write_sound(np.zeros(0)), "it is empty"),
    ):
        with pytest.raises(InputError, match=said):
            probe_sound(path)


def test_what_is_no_picture_is_refused(tmp_path: Path):
    text = tmp_path / "picture.png"
    text.write_text("no picture")
    for path, said in (
        (text, "cannot be read as a picture"),
        (tmp_path / "absent.png", "no such file"),
        (tmp_path, "it is a folder"),
        (tmp_path / ("long" * 80 + ".png"), "cannot be read as a file"),
    ):
        with pytest.raises(InputError, match=said):
            probe_picture(path, FIXED)


def test_a_picture_too_large_to_be_meant_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = tmp_path / "picture.png"
    Image.new("RGB", (40, 20)).save(path)
    with pytest.raises(InputError, match=r"too large to be read \(Image size \(800 pixels\).*Scale it"):
        probe_picture(path, FIXED)
