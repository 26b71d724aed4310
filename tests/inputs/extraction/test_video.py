from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.errors import InputError
from s2v_runner.inputs.extraction.video import PoseVideo, drawn_size, open_source
from tests.inputs.extraction.people import turn, write_video

CORNERS = np.zeros((40, 60, 3), np.uint8)
CORNERS[:10, :10] = (255, 0, 0)
CORNERS[-10:, :10] = (0, 255, 0)


def read_all(path: Path, seconds: float | None = None) -> tuple[list[np.ndarray], list[float]]:
    with open_source(path, seconds) as source:
        frames = list(source)
        return [frame.rgb for frame in frames], [float(frame.tick * source.tick) for frame in frames]


@pytest.mark.parametrize(
    ("matrix", "seen"),
    [
        ((1, 0, 0, 1), CORNERS),
        ((0, 1, -1, 0), np.rot90(CORNERS, -1)),
        ((-1, 0, 0, -1), np.rot90(CORNERS, 2)),
        ((0, -1, 1, 0), np.rot90(CORNERS, 1)),
        ((-1, 0, 0, 1), CORNERS[:, ::-1]),
        ((1, 0, 0, -1), CORNERS[::-1]),
        ((0, 1, 1, 0), CORNERS.transpose(1, 0, 2)),
    ],
)
def test_frames_are_turned_and_mirrored_as_phones_ask(
    tmp_path: Path, matrix: tuple[int, int, int, int], seen: np.ndarray
):
    path = turn(write_video(tmp_path / "v.mp4", [CORNERS] * 3), matrix)
    frames, _ = read_all(path)
    assert len(frames) == 3
    for frame in frames:
        assert frame.shape == seen.shape
        assert np.abs(frame.astype(int) - seen).max() <= 2


def test_pixels_that_are_not_square_become_so(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", [CORNERS], aspect=Fraction(4, 3))
    frames, _ = read_all(path)
    assert frames[0].shape == (40, 80, 3)
    path = turn(path, (0, 1, -1, 0))
    assert read_all(path)[0][0].shape == (80, 40, 3)


def test_times_count_from_the_first_frame_and_vary_as_they_do(tmp_path: Path):
    times = [1.5, 1.54, 1.7, 1.71, 2.9]
    _, seen = read_all(write_video(tmp_path / "v.mkv", [CORNERS] * 5, times))
    assert seen == pytest.approx([0, 0.04, 0.2, 0.21, 1.4], abs=1e-6)


def test_of_two_frames_at_one_time_the_first_is_shown(tmp_path: Path):
    path = write_video(tmp_path / "v.mkv", [CORNERS] * 4, [0, 0.1, 0.1, 0.2])
    assert read_all(path)[1] == pytest.approx([0, 0.1, 0.2], abs=1e-6)


def test_a_raw_stream_without_times_follows_its_rate(tmp_path: Path):
    path = tmp_path / "v.h264"
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = CORNERS.shape[:2]
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(CORNERS, format="rgb24")))
        container.mux(stream.encode(None))
    frames, times = read_all(path)
    assert len(frames) == 10
    assert times[-1] == pytest.approx(9 / 25, abs=1e-4)


def test_no_more_is_read_than_is_asked_for(tmp_path: Path):
    path = write_video(tmp_path / "v.mp4", [CORNERS] * 50)
    _, times = read_all(path, 0.4)
    assert times == pytest.approx([index / 25 for index in range(10)], abs=1e-6)


def write_noise(path: Path) -> Path:
    """Two seconds in which every frame takes many bytes."""
    return write_video(path, list(np.random.default_rng(0).integers(0, 255, (50, 40, 60, 3), np.uint8)))


def test_a_video_that_breaks_off_is_refused_with_when(tmp_path: Path):
    path = write_noise(tmp_path / "v.mp4")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 4] = b"\xff" * (len(content) // 4)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"it breaks off after [01]\.\d s") as raised:
        read_all(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_an_end_before_the_stated_one_is_noticed(tmp_path: Path, name: str):
    path = write_noise(tmp_path / name)
    for seconds in (None, 0.5):
        with open_source(path, seconds) as source:
            assert list(source)
            assert source.missing_seconds == 0
    if name == "v.mkv":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        for seconds in (None, 1.9):
            with open_source(path, seconds) as source:
                assert 10 < len(list(source)) < 40
                assert source.missing_seconds == pytest.approx(2 - source.end, abs=0.05)


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((1080, 1920), (720, 1280)),
        ((1920, 1080), (1280, 720)),
        ((540, 960), (540, 960)),
        ((101, 333), (100, 332)),
        ((3, 1), (4, 2)),
        ((2160, 4096), (676, 1280)),
    ],
)
def test_poses_are_drawn_at_an_even_size_of_the_same_aspect(size: tuple[int, int], drawn: tuple[int, int]):
    height, width = drawn_size(*size)
    assert (height, width) == drawn


def write_poses(path: Path, ticks: list[tuple[int, int]]) -> Path:
    with path.open("w+b") as file:
        video = PoseVideo(file, path, (64, 96), Fraction(25), Fraction(1, 1000))
        for index, (tick, length) in enumerate(ticks):
            picture = np.zeros((64, 96, 3), np.uint8)
            picture[:, : 8 * (index + 1)] = (0, 85, 255)
            video.write(picture, tick, length)
        video.finish()
    return path


def test_what_is_written_has_its_colours_and_its_times(tmp_path: Path):
    path = write_poses(tmp_path / "v.mp4", [(0, 40), (40, 160), (200, 10), (210, 300)])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert frames[0].format.name == "yuv420p"
        assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.2, 0.21], abs=1e-4)
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(0.51, abs=1e-3)
        for index, frame in enumerate(frames):
            picture = frame.to_ndarray(format="rgb24").astype(int)
            assert np.abs(picture[30, 2] - (0, 85, 255)).max() <= 4
            assert picture[:, 8 * (index + 1) + 4 :].max() <= 4


def test_the_same_twice_is_the_same_file(tmp_path: Path):
    ticks = [(40 * index, 40) for index in range(8)]
    contents = [write_poses(tmp_path / name, ticks).read_bytes() for name in ("a.mp4", "b.mp4")]
    assert contents[0] == contents[1]
    # The index is in front, for browsers.
    assert contents[0].index(b"moov") < contents[0].index(b"mdat")


def test_what_is_given_up_leaves_nothing_open(tmp_path: Path):
    path = tmp_path / "v.mp4"
    file = path.open("w+b")
    video = PoseVideo(file, path, (64, 96), Fraction(25), Fraction(1, 1000))
    video.write(np.zeros((64, 96, 3), np.uint8), 0, 40)
    video.discard()
    assert file.closed


def test_what_is_no_video_is_refused(tmp_path: Path, write_sound: Callable[[np.ndarray], Path]):
    text = tmp_path / "v.mp4"
    text.write_text("no video")
    sound = write_sound(np.zeros(1600))
    for path, words in (
        (text, "cannot be read as a video"),
        (tmp_path / "absent.mp4", "there is no such file"),
        (tmp_path, "it is a folder"),
        (sound, "it has no pictures in it"),
    ):
        with pytest.raises(InputError, match=words) as raised, open_source(path, None):
            pass
        assert str(raised.value).startswith(f"pose.path '{path}'")
        assert "\n" not in str(raised.value)


def test_a_name_with_a_colon_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_video(tmp_path / "v.mp4", [CORNERS]).rename(tmp_path / "pose:1.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read_all(Path("pose:1.mp4"))[0]) == 1
