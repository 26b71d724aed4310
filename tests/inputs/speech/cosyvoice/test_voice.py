from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from s2v_runner.errors import InputError
from s2v_runner.inputs.speech.cosyvoice.voice import read_voice, write_voice
from tests.inputs.speech.cosyvoice.standin import write_recording


def write_m4a(path: Path, samples: np.ndarray, rate: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_the_silence_around_a_voice_is_trimmed(tmp_path: Path, suffix: str, rate: int):
    voice = read_voice(write_recording(tmp_path / f"voice.{suffix}", 6.0, rate))
    assert voice.rate == rate
    assert voice.samples.dtype == np.float32
    assert voice.seconds == pytest.approx(6.0, abs=0.1)
    assert len(voice.samples) / rate == pytest.approx(6.4, abs=0.1)
    assert voice.warnings == ()


def test_m4a_is_read_too(tmp_path: Path):
    path = tmp_path / "voice.m4a"
    write_m4a(path, 0.3 * np.sin(np.arange(44100 * 6) * 0.03), 44100)
    voice = read_voice(path)
    assert voice.rate == 44100
    assert voice.seconds == pytest.approx(6.0, abs=0.2)
    assert np.abs(voice.samples).max() == pytest.approx(0.3, abs=0.05)


def test_channels_are_mixed(tmp_path: Path):
    tone = np.sin(np.arange(16000 * 6) * 0.05)
    soundfile.write(tmp_path / "voice.wav", np.stack((tone * 0.4, tone * 0.2), axis=1), 16000)
    assert np.abs(read_voice(tmp_path / "voice.wav").samples).max() == pytest.approx(0.3, abs=0.01)


def test_a_voice_that_is_cut_off_gets_silence_after_it(tmp_path: Path):
    soundfile.write(tmp_path / "voice.wav", 0.3 * np.sin(np.arange(16000 * 6) * 0.05), 16000)
    voice = read_voice(tmp_path / "voice.wav")
    assert len(voice.samples) == 16000 * 6 + 3200
    assert not voice.samples[-3200:].any()


def test_what_is_written_is_never_longer_than_cosyvoice_takes(tmp_path: Path):
    voice = read_voice(write_recording(tmp_path / "voice.wav", 29.9))
    write_voice(voice, tmp_path / "written.wav")
    info = soundfile.info(tmp_path / "written.wav")
    assert (info.channels, info.samplerate, info.subtype) == (1, 24000, "PCM_16")
    assert 29.9 < info.duration <= 30.0


@pytest.mark.parametrize("seconds", [2.0, 20.0])
def test_a_length_that_is_not_advised_is_a_warning(tmp_path: Path, seconds: float):
    (warning,) = read_voice(write_recording(tmp_path / "voice.wav", seconds)).warnings
    assert f"{seconds:.1f} s of sound" in warning
    assert "5 to 15 s" in warning


def test_clipping_is_a_warning(tmp_path: Path):
    (warning,) = read_voice(write_recording(tmp_path / "voice.wav", level=3.0)).warnings
    assert "is clipped" in warning


@pytest.mark.parametrize(
    ("seconds", "rate", "level", "problem"),
    [
        (0.5, 24000, 0.3, "0.5 s of sound are in it, and 1 to 30 s are wanted"),
        (31.0, 24000, 0.3, "31.0 s of sound are in it, and 1 to 30 s are wanted"),
        (6.0, 8000, 0.3, "its rate of 8000 Hz is below 16000 Hz"),
        (6.0, 24000, 0.0, "nothing but silence is in it"),
        (6.0, 24000, 0.001, "nothing but silence is in it"),
        (121.0, 16000, 0.3, "it lasts more than 2 minutes"),
    ],
    ids=["short", "long", "rate", "silent", "nearly_silent", "very_long"],
)
def test_a_recording_that_is_no_good_is_refused(tmp_path: Path, seconds: float, rate: int, level: float, problem: str):
    path = write_recording(tmp_path / "voice.wav", seconds, rate, level)
    with pytest.raises(InputError) as refusal:
        read_voice(path)
    assert refusal.value.subject == f"tts.prompt_audio '{path}'"
    assert problem in refusal.value.problem


def test_what_is_no_recording_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no recording of the voice is given"):
        read_voice(None)
    with pytest.raises(InputError, match="there is no such file"):
        read_voice(tmp_path / "absent.wav")
    with pytest.raises(InputError, match="it is a folder"):
        read_voice(tmp_path)
    (tmp_path / "text.wav").write_text("no sound\nat all")
    with pytest.raises(InputError, match="cannot be read as audio") as refusal:
        read_voice(tmp_path / "text.wav")
    assert "\n" not in str(refusal.value)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    with pytest.raises(InputError, match="it is empty"):
        read_voice(tmp_path / "empty.wav")
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    with pytest.raises(InputError, match="not finite"):
        read_voice(tmp_path / "nan.wav")


def test_a_video_without_sound_is_refused(tmp_path: Path):
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="there is no sound in it"):
        read_voice(path)
