from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.errors import InputError, OutputError
from s2v_runner.video.listening import seconds_of, write_sound
from s2v_runner.video.preview import Encoding, PreviewWriter
from s2v_runner.video.writer import VideoWriter
from tests.video.material import FPS, moving_frames, record, speech_at

SECONDS = 2


@pytest.fixture
def write_video(tmp_path: Path, path: Path, open_writer: Callable[..., VideoWriter]) -> Callable[[int, int], Path]:
    """Writes two seconds of video with a recording of this rate and so many channels."""

    def write(rate: int, channels: int) -> Path:
        audio = record(tmp_path / "speech.wav", rate, channels, SECONDS * rate)
        with open_writer(num_frames=SECONDS * FPS, audio=audio) as writer:
            writer.write(moving_frames(SECONDS * FPS))
        return path

    return write


def heard(path: Path) -> tuple[np.ndarray, int]:
    with av.open(path) as container:
        (stream,) = container.streams.audio
        assert (stream.codec_context.name, stream.layout.name) == ("aac", "mono")
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(stream)]), stream.rate


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2), (48000, 1)])
def test_the_sound_is_that_of_the_video_from_its_beginning_on(
    tmp_path: Path, write_video: Callable[[int, int], Path], rate: int, channels: int
):
    write_sound(tmp_path / "sound.m4a", write_video(rate, channels), 64)
    samples, found_rate = heard(tmp_path / "sound.m4a")
    assert found_rate == rate
    assert seconds_of(tmp_path / "sound.m4a") == pytest.approx(SECONDS, abs=0.07)
    times = np.arange(SECONDS * rate) / rate
    expected = np.mean([speech_at(times, channel) for channel in range(channels)], axis=0)
    middle = slice(rate // 4, len(expected) - rate // 4)
    assert np.corrcoef(samples[: len(expected)][middle], expected[middle])[0, 1] > 0.98


def test_it_takes_no_more_than_it_may(tmp_path: Path, write_video: Callable[[int, int], Path]):
    video = write_video(16000, 1)
    sizes = []
    for kbps in (64, 16):
        write_sound(tmp_path / f"{kbps}.m4a", video, kbps)
        sizes.append((tmp_path / f"{kbps}.m4a").stat().st_size)
        assert sizes[-1] < 1.2 * SECONDS * kbps * 1000 / 8 + 1500
    assert sizes[1] < 0.6 * sizes[0]
    content = (tmp_path / "64.m4a").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_video_without_sound_is_refused_and_nothing_left(tmp_path: Path):
    encoding = Encoding(crf=30, preset="veryfast", threads=1)
    PreviewWriter(path=tmp_path / "mute.mp4", width=64, height=48, fps=Fraction(16), encoding=encoding).close()
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("mute.mp4", "text.mp4", "missing.mp4"):
        with pytest.raises(InputError, match=name):
            write_sound(tmp_path / "sound.m4a", tmp_path / name, 64)
        assert not (tmp_path / "sound.m4a").exists()
    with pytest.raises(InputError, match="text"):
        seconds_of(tmp_path / "text.mp4")


def test_a_folder_that_is_missing_is_named(tmp_path: Path, write_video: Callable[[int, int], Path]):
    with pytest.raises(OutputError, match="missing"):
        write_sound(tmp_path / "missing" / "sound.m4a", write_video(16000, 1), 64)
