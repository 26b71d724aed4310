"""The sound of the finished video, read back with PyAV."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.audio.resampler import AudioResampler

from s2v_runner.errors import InputError
from s2v_runner.video.writer import VideoWriter
from tests.video.material import FPS, moving_frames, record, speech_at

AAC_FRAME = 1024


def heard(path: Path) -> tuple[np.ndarray, int]:
    """The sound of a video, [samples, channels], and its rate."""
    with av.open(path) as container:
        stream = container.streams.audio[0]
        # Interleaved: PyAV takes eight planes for nine.
        resampler = AudioResampler(format="flt")
        frames = [made for frame in (*container.decode(stream), None) for made in resampler.resample(frame)]
        assert frames[0].pts == 0
        return np.concatenate([frame.to_ndarray().reshape(-1, stream.channels) for frame in frames]), stream.rate


def lag(sound: np.ndarray, spoken: np.ndarray) -> int:
    """By how many samples one channel comes late."""
    reach = 40
    middle = sound[reach : len(spoken) - reach]
    lags = range(-reach, reach + 1)
    return max(lags, key=lambda late: middle @ spoken[reach - late : len(spoken) - reach - late])


@pytest.mark.parametrize(
    ("name", "rate", "channels", "wanted_rate"),
    [
        ("speech.wav", 8000, 1, 8000),
        ("speech.flac", 22050, 1, 22050),
        ("speech.wav", 44100, 2, 44100),
        ("speech.mp3", 44100, 2, 44100),
        ("speech.wav", 48000, 6, 48000),
        ("speech.wav", 48000, 8, 48000),
        ("speech.wav", 37000, 1, 48000),
        ("speech.wav", 96000, 1, 96000),
    ],
)
def test_every_channel_is_heard_when_it_was_spoken(
    open_writer: Callable[..., VideoWriter],
    path: Path,
    tmp_path: Path,
    name: str,
    rate: int,
    channels: int,
    wanted_rate: int,
):
    audio = record(tmp_path / name, rate, channels, rate)
    with open_writer(audio=audio, audio_kbps=max(192, 96 * channels)) as writer:
        writer.write(moving_frames(FPS))
    sound, heard_rate = heard(path)
    assert (heard_rate, sound.shape[1]) == (wanted_rate, channels)
    # The last frame of AAC is filled up; the length that the container states leaves that out.
    assert wanted_rate <= len(sound) < wanted_rate + 2 * AAC_FRAME
    with av.open(path) as container:
        assert container.duration == 1e6
    times = np.arange(wanted_rate) / wanted_rate
    for channel, heard_channel in enumerate(sound.T):
        spoken = speech_at(times, channel)
        error = np.abs(heard_channel[:wanted_rate] - spoken)[AAC_FRAME:-AAC_FRAME]
        assert error.mean() < 0.3 * np.abs(spoken).mean()
        assert lag(heard_channel, spoken) == 0


def test_an_mp3_is_heard_as_its_decoder_has_it_although_it_is_read_piece_by_piece(
    open_writer: Callable[..., VideoWriter], path: Path, tmp_path: Path
):
    rate, audio = 44100, tmp_path / "tone.mp3"
    soundfile.write(audio, 0.3 * np.sin(np.arange(rate) * 2 * np.pi * 440 / rate), rate)
    whole, _ = soundfile.read(audio, dtype="float32")
    with open_writer(audio=audio, audio_kbps=256) as writer:
        for frame in moving_frames(FPS):
            writer.write(frame[None])
    sound, _ = heard(path)
    error = np.abs(sound[:rate, 0] - whole[:rate])[AAC_FRAME:-AAC_FRAME]
    assert error.mean() < 0.3 * np.abs(whole).mean()


@pytest.mark.parametrize(
    ("channels", "layout"),
    # Seven are described by their number alone.
    tuple(enumerate(("mono", "stereo", "3.0", "quad", "5.0", "5.1", "7 channels", "7.1"), start=1)),
)
def test_channels_keep_their_places(
    open_writer: Callable[..., VideoWriter], path: Path, tmp_path: Path, channels: int, layout: str
):
    with open_writer(num_frames=2, audio=record(tmp_path / "speech.wav", 48000, channels, 6000)) as writer:
        writer.write(moving_frames(2))
    with av.open(path) as container:
        stream = container.streams.audio[0]
        assert next(container.decode(stream)).layout.name == layout


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [(16000, 16000), (15600, 15600), (5000, 5000), (16500, 16500), (16501, 16000), (40000, 16000)],
    ids=["equal", "shorter", "much shorter", "half a frame longer", "more than that", "much longer"],
)
def test_the_speech_ends_with_itself_or_the_video(
    open_writer: Callable[..., VideoWriter], path: Path, tmp_path: Path, spoken: int, kept: int
):
    with open_writer(audio=record(tmp_path / "speech.wav", 16000, 1, spoken)) as writer:
        writer.write(moving_frames(FPS))
    with av.open(path) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == Fraction(kept, 16000)
        assert container.duration == pytest.approx(max(kept / 16000, 1) * 1e6, abs=1)
        assert len(list(container.decode(video=0))) == FPS
    # Full of sound to the end that was stated, and of nothing that comes later.
    sound, _ = heard(path)
    assert kept <= len(sound) < kept + AAC_FRAME
    assert np.abs(sound[kept - 500 : kept]).mean() > 0.05


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: record(path, 16000, 9, 16000), "9 channels"),
        (lambda path: path, "cannot be read as audio"),
        (lambda path: [path.write_text("no sound"), path][1], "cannot be read as audio"),
    ],
    ids=["nine channels", "missing", "text"],
)
def test_unusable_recordings_are_named(
    open_writer: Callable[..., VideoWriter],
    path: Path,
    tmp_path: Path,
    make: Callable[[Path], Path],
    problem: str,
):
    audio = make(tmp_path / "speech.wav")
    with pytest.raises(InputError, match=problem) as caught:
        open_writer(audio=audio)
    assert caught.value.subject == f"audio.path '{audio}'"
    assert not path.exists()


def test_samples_that_are_no_numbers_are_named(open_writer: Callable[..., VideoWriter], path: Path, tmp_path: Path):
    samples = np.zeros(16000, np.float32)
    samples[-1] = np.nan
    soundfile.write(tmp_path / "speech.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(InputError, match="no numbers"), open_writer(audio=tmp_path / "speech.wav") as writer:
        writer.write(moving_frames(FPS))
    assert not path.exists()
