import tracemalloc
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from s2v_runner.errors import InputError
from s2v_runner.inputs.audio import read_sound


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_any_format_becomes_mono_at_16_khz(tmp_path: Path, suffix: str):
    path = tmp_path / f"sound.{suffix}"
    tone = np.sin(np.arange(44100) * 2 * np.pi * 440 / 44100)
    soundfile.write(path, np.stack((tone, tone), axis=1) * 0.5, 44100)
    sound = read_sound(path)
    assert sound.rate == 16000
    assert sound.samples.ndim == 1
    assert sound.samples.dtype == np.float32
    assert len(sound.samples) / sound.rate == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (16000, 2), (22050, 1), (44100, 2), (48000, 3), (8000, 1)])
def test_the_samples_are_those_of_librosa(tmp_path: Path, rate: int, channels: int):
    path = tmp_path / "sound.wav"
    noise = np.random.default_rng(rate).normal(0, 0.1, (rate + 137, channels))
    soundfile.write(path, noise, rate, subtype="FLOAT")
    expected, _ = librosa.load(path, sr=16000, mono=True)
    assert np.array_equal(read_sound(path).samples, expected)


def test_silence_is_a_warning(write_sound: Callable[[np.ndarray], Path]):
    with pytest.warns(UserWarning, match="silent from beginning to end"):
        read_sound(write_sound(np.zeros(16000)))


def test_what_is_no_sound_is_refused(tmp_path: Path, write_sound: Callable[[np.ndarray], Path]):
    with pytest.raises(InputError, match="it is empty"):
        read_sound(write_sound(np.zeros(0)))
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    with pytest.raises(InputError, match="cannot be read as audio"):
        read_sound(text)
    with pytest.raises(InputError, match="no such file"):
        read_sound(tmp_path / "absent.wav")
    with pytest.raises(InputError, match="not finite"):
        read_sound(write_sound(np.full(16000, np.nan)))


def test_a_recording_that_breaks_off_is_refused(tmp_path: Path):
    whole, cut = tmp_path / "whole.flac", tmp_path / "cut.flac"
    soundfile.write(whole, np.random.default_rng(0).normal(0, 0.1, 16000), 16000)
    cut.write_bytes(whole.read_bytes()[:9000])
    with pytest.raises(InputError, match="cannot be read as audio"):
        read_sound(cut)


@pytest.mark.parametrize("seconds", [0.5, 2.0, 3.21])
@pytest.mark.parametrize("rate", [8000, 12345, 16000, 22050, 44100, 48000, 96000])
def test_the_first_seconds_are_those_of_the_whole_to_the_bit(tmp_path: Path, rate: int, seconds: float):
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.random.default_rng(rate).normal(0, 0.1, (10 * rate + 7, 2)), rate, subtype="FLOAT")
    part, whole = read_sound(path, seconds).samples, read_sound(path).samples
    assert len(part) == np.ceil(seconds * 16000)
    assert np.array_equal(part, whole[: len(part)])


def test_a_recording_shorter_than_what_is_wanted_of_it_is_read_whole(speech_file: Path):
    assert np.array_equal(read_sound(speech_file, 9.0).samples, read_sound(speech_file).samples)


def test_what_is_read_of_a_long_recording_is_all_that_is_held(tmp_path: Path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (300 * 16000)), 16000)
    tracemalloc.start()
    read_sound(path, 2.0)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1e6
