"""The finished video, read back with PyAV."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from av.audio.resampler import AudioResampler
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from s2v_runner.errors import InputError, OutputError
from s2v_runner.video.writer import VideoWriter

HEIGHT, WIDTH, FPS = 48, 64, 16
AAC_FRAME = 1024
LOW_FREQUENCY_CHANNEL = 3
"""Of 5.1 and 7.1: AAC keeps little above 200 Hz of it."""


def moving_frames(count: int) -> np.ndarray:
    frame, row, column = np.mgrid[0:count, 0:HEIGHT, 0:WIDTH]
    return np.stack((row * 5 + frame, column * 3, row + column + frame * 2), axis=-1).astype(np.uint8)


def speech_at(times: np.ndarray, channel: int) -> np.ndarray:
    """A sound that can be asked for at any moment, another in every channel."""
    generator = np.random.default_rng(channel)
    highest = 200 if channel == LOW_FREQUENCY_CHANNEL else 2000
    frequencies, phases = generator.uniform(40, highest, 25), generator.uniform(0, 2 * np.pi, 25)
    return 0.04 * np.sin(2 * np.pi * np.outer(times, frequencies) + phases).sum(axis=1)


def record(path: Path, rate: int, channels: int, samples: int) -> Path:
    times = np.arange(samples) / rate
    soundfile.write(path, np.stack([speech_at(times, channel) for channel in range(channels)], axis=-1), rate)
    return path


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".video.mp4.unfinished"


@pytest.fixture
def open_writer(tmp_path: Path, path: Path) -> Callable[..., VideoWriter]:
    """A writer of a second of video, with whatever the test changes."""

    def make(**changes: object) -> VideoWriter:
        settings: dict[str, Any] = {"path": path, "height": HEIGHT, "width": WIDTH, "fps": FPS, "num_frames": FPS}
        settings |= {"crf": 20, "audio_kbps": 192, "metadata": {}, **changes}
        if "audio" not in settings:
            settings["audio"] = record(tmp_path / "speech.wav", 16000, 1, 16000)
        return VideoWriter(**settings)

    return make


def test_frames_come_back_at_their_times_and_size(open_writer: Callable[..., VideoWriter], path: Path):
    frames = moving_frames(70)
    with open_writer(num_frames=70) as writer:
        writer.write(frames[:50])
        writer.write(frames[50:])
    with av.open(path) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", FPS)
        assert (stream.height, stream.width, stream.frames) == (HEIGHT, WIDTH, 70)
        assert stream.start_time == container.streams.audio[0].start_time == 0
        assert container.duration == 70 / FPS * 1e6
        pictures = list(container.decode(stream))
        assert [picture.time for picture in pictures] == [index / FPS for index in range(70)]
        shown = np.stack([picture.to_ndarray(format="rgb24") for picture in pictures])
    assert np.abs(shown.astype(int) - frames).mean() < 6


def test_one_frame_has_a_length(open_writer: Callable[..., VideoWriter], path: Path, tmp_path: Path):
    audio = record(tmp_path / "speech.wav", 16000, 1, 1000)
    with open_writer(num_frames=1, audio=audio) as writer:
        writer.write(moving_frames(1))
    with av.open(path) as container:
        assert container.duration == 1e6 / FPS
        assert len(list(container.decode(video=0))) == 1


def test_colours_are_those_of_bt709_and_say_so(open_writer: Callable[..., VideoWriter], path: Path):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 120, 40]], np.uint8)
    frame = np.kron(colours.reshape(2, 3, 3), np.ones((24, 32, 1), np.uint8))
    with open_writer(width=96, num_frames=2, crf=1) as writer:
        writer.write(np.stack((frame, frame)))
    with av.open(path) as container:
        picture = next(container.decode(video=0))
        tags = container.streams.video[0].codec_context
        assert tags.color_primaries == ColorPrimaries.BT709
        assert tags.color_trc == ColorTrc.BT709
        assert tags.colorspace == Colorspace.ITU709
        assert tags.color_range == ColorRange.MPEG
    red, green, blue = colours.T / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    planes = [
        np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in picture.planes
    ]
    wanted = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
    for plane, values, side in zip(planes, wanted, (32, 16, 16), strict=True):
        centres = plane[plane.shape[0] // 4 :: plane.shape[0] // 2, side // 2 :: side]
        np.testing.assert_allclose(centres.ravel(), values, atol=1)


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


@pytest.mark.parametrize(
    ("channels", "layout"),
    # Seven are described by their number alone.
    enumerate(("mono", "stereo", "3.0", "quad", "5.0", "5.1", "7 channels", "7.1"), start=1),
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


def test_the_same_twice_is_the_same_file_however_it_comes(open_writer: Callable[..., VideoWriter], path: Path):
    frames = moving_frames(FPS)
    files = []
    for step in (FPS, 3, 3):
        with open_writer(metadata={"recipe": "{}"}) as writer:
            for begin in range(0, FPS, step):
                writer.write(frames[begin : begin + step])
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]
    assert files[0].index(b"moov") < files[0].index(b"mdat")


def test_metadata_comes_back(open_writer: Callable[..., VideoWriter], path: Path):
    metadata = {
        "recipe": "一个女人在说话，" * 2500,
        "clé à soi": "naïve 🎬\n\tزهرة\x01",
        "title": "Speech",
        "blank": "",
    }
    with open_writer(metadata=metadata) as writer:
        writer.write(moving_frames(FPS))
    with av.open(path) as container:
        assert {key: container.metadata.get(key) for key in metadata} == metadata


def test_undecodable_bytes_of_a_file_name_are_spelled_out(open_writer: Callable[..., VideoWriter], path: Path):
    with open_writer(metadata={"audio": b"speech-\xff.wav".decode(errors="surrogateescape")}) as writer:
        writer.write(moving_frames(FPS))
    with av.open(path) as container:
        assert container.metadata["audio"] == r"speech-\udcff.wav"


def test_what_cannot_come_back_from_metadata_is_refused(open_writer: Callable[..., VideoWriter], path: Path):
    with pytest.raises(ValueError, match="NUL"):
        open_writer(metadata={"prompt": "before\0after"})
    assert not path.exists()


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


def test_frames_that_were_not_announced_are_refused(open_writer: Callable[..., VideoWriter], path: Path):
    with open_writer() as writer:
        for wrong in (moving_frames(1)[:, :-2], moving_frames(1).astype(np.float32), moving_frames(1)[0]):
            with pytest.raises(ValueError, match="expected uint8"):
                writer.write(wrong)
        with pytest.raises(ValueError, match="more than the 16"):
            writer.write(moving_frames(FPS + 1))
        writer.write(moving_frames(FPS - 1))
        with pytest.raises(ValueError, match="15 frames came of the 16"):
            writer.close()
    assert not path.exists()


def test_nothing_is_left_of_a_video_that_is_given_up(open_writer: Callable[..., VideoWriter], path: Path):
    with pytest.raises(ValueError, match="expected uint8"), open_writer() as writer:
        writer.write(moving_frames(FPS)[:, :-2])
    assert not path.exists()
    writer.close()
    writer.discard()
    with pytest.raises(ValueError, match="is closed"):
        writer.write(moving_frames(0))


def test_what_was_closed_stays(open_writer: Callable[..., VideoWriter], path: Path):
    writer = open_writer()
    writer.write(moving_frames(FPS))
    writer.close()
    content = path.read_bytes()
    writer.discard()
    writer.close()
    assert path.read_bytes() == content


def test_a_folder_that_is_missing_is_named(open_writer: Callable[..., VideoWriter], tmp_path: Path):
    with pytest.raises(OutputError, match="missing"):
        open_writer(path=tmp_path / "missing" / "video.mp4")
