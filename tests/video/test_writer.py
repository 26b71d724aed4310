"""The finished video, read back with PyAV."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from s2v_runner.errors import OutputError
from s2v_runner.video.writer import VideoWriter
from tests.video.material import FPS, HEIGHT, WIDTH, moving_frames, record


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
