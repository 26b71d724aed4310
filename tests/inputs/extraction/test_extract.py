import dataclasses
import resource
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from s2v_runner.errors import InputError, OutputError
from s2v_runner.inputs.extraction import extract, person, session
from s2v_runner.inputs.extraction.extract import check_extraction, describe_extraction, extract_poses
from s2v_runner.inputs.extraction.person import Joints
from s2v_runner.inputs.extraction.settings import ExtractionSettings
from s2v_runner.inputs.pose import read_pose
from s2v_runner.records import FIXED
from tests.inputs.extraction.onnx_models import write_detector, write_estimator
from tests.inputs.extraction.people import HEIGHT, SOMEBODY, WIDTH, Person, draw_people, turn, write_video


@pytest.fixture
def settings(tmp_path: Path) -> ExtractionSettings:
    return ExtractionSettings(
        detector=write_detector(tmp_path / "detector.onnx"),
        estimator=write_estimator(tmp_path / "estimator.onnx"),
        device="cpu",
        person_threshold=0.3,
        joint_threshold=0.3,
        person="largest",
    )


def read_poses(path: Path) -> tuple[list[np.ndarray], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
        return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time or 0.0 for frame in frames]


def ends(picture: np.ndarray) -> np.ndarray:
    """Left, top, right and bottom of what is drawn."""
    rows, columns = np.nonzero(picture.max(axis=2) > 60)
    return np.array([columns.min(), rows.min(), columns.max(), rows.max()])


def corners(person: Person) -> np.ndarray:
    """The same of a person whose limbs go from joint to joint."""
    places = np.array([person.red, person.green])
    return np.concatenate([places.min(axis=0), places.max(axis=0)])


def people_video(path: Path, frames: Sequence[Sequence[Person]]) -> Path:
    return write_video(path, [draw_people(people) for people in frames])


def test_known_joints_come_back_within_a_pixel_or_two(tmp_path: Path, settings: ExtractionSettings):
    people = [SOMEBODY.moved(3 * index, index) for index in range(10)]
    video = people_video(tmp_path / "v.mp4", [[person] for person in people])
    target = tmp_path / "poses.mp4"
    report = extract_poses(video, settings, target, None)
    pictures, times = read_poses(target)
    assert times == pytest.approx([index / 25 for index in range(10)], abs=1e-4)
    for picture, one in zip(pictures, people, strict=True):
        assert picture.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(ends(picture) - corners(one)).max() <= 3
    assert report.facts["frames"] == report.facts["frames_with_person"] == 10
    assert report.facts["seconds"] == pytest.approx(0.4)
    assert report.facts["persons_seen"] == 1
    assert report.facts["jumps"] == report.facts["frames_held"] == 0
    assert report.facts["mean_confidence"] == pytest.approx(0.85, abs=0.1)
    assert (
        report.words
        == f"poses of 0.4 s: a person in 10 of 10 frames, their joints {report.facts['mean_confidence']:.2f} certain"
    )
    assert report.warnings == ()


def test_what_is_made_is_what_is_read_as_a_pose_video(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY.moved(2 * index)] for index in range(25)])
    extract_poses(video, settings, tmp_path / "poses.mp4", None)
    poses = list(read_pose(tmp_path / "poses.mp4", 16, 0, 16, FIXED))
    assert np.abs(ends(poses[8]) - corners(SOMEBODY.moved(2 * 12))).max() <= 4


def test_poses_of_a_large_video_are_smaller_and_lie_alike(tmp_path: Path, settings: ExtractionSettings):
    big = np.kron(draw_people([SOMEBODY]), np.ones((8, 8, 1), np.uint8))
    extract_poses(write_video(tmp_path / "v.mp4", [big] * 2), settings, tmp_path / "poses.mp4", None)
    pictures, _ = read_poses(tmp_path / "poses.mp4")
    assert pictures[0].shape == (960, 1280, 3)
    assert np.abs(ends(pictures[0]) - 5 * corners(SOMEBODY)).max() <= 14


def test_a_video_that_phones_turn_gives_upright_poses(tmp_path: Path, settings: ExtractionSettings):
    upright = draw_people([Person((80, 100), (70, 80), (95, 130))], WIDTH, HEIGHT)
    path = turn(write_video(tmp_path / "v.mp4", [np.rot90(upright)] * 2), (0, 1, -1, 0))
    extract_poses(path, settings, tmp_path / "poses.mp4", None)
    pictures, _ = read_poses(tmp_path / "poses.mp4")
    assert pictures[0].shape == (WIDTH, HEIGHT, 3)
    assert np.abs(ends(pictures[0]) - (70, 80, 95, 130)).max() <= 4


def test_odd_sizes_and_varying_times_are_kept(tmp_path: Path, settings: ExtractionSettings):
    times = [0.0, 0.04, 0.3, 0.31, 0.7]
    video = write_video(tmp_path / "v.mkv", [draw_people([SOMEBODY], 191, 255)] * 5, times)
    extract_poses(video, settings, tmp_path / "poses.mp4", None)
    pictures, seen = read_poses(tmp_path / "poses.mp4")
    assert seen == pytest.approx(times, abs=1e-4)
    assert pictures[0].shape in ((190, 254, 3), (190, 256, 3), (192, 254, 3), (192, 256, 3))


def test_a_pose_is_held_for_half_a_second_and_then_there_is_none(tmp_path: Path, settings: ExtractionSettings):
    frames = [[]] * 3 + [[SOMEBODY]] * 3 + [[]] * 20 + [[SOMEBODY.moved(5)]] * 2
    report = extract_poses(people_video(tmp_path / "v.mp4", frames), settings, tmp_path / "poses.mp4", None)
    pictures, _ = read_poses(tmp_path / "poses.mp4")
    lit = [picture.max() > 60 for picture in pictures]
    # From the last sight, frame 5, on.
    assert lit == [False] * 3 + [True] * 3 + [True] * 12 + [False] * 8 + [True] * 2
    assert np.abs(ends(pictures[17]) - ends(pictures[5])).max() <= 1
    assert report.facts["frames_with_person"] == 5
    assert report.facts["frames_held"] == 12
    (warning,) = report.warnings
    assert (
        warning
        == "the person is not to be seen in 23 of the 28 frames of pose.path; 12 of these show the pose before, and the"
        " rest none"
    )


def test_the_same_person_is_followed_when_another_comes(tmp_path: Path, settings: ExtractionSettings):
    other = Person(body=(210, 80), red=(200, 60), green=(225, 110))
    frames = [[SOMEBODY.moved(-50)]] * 4 + [[SOMEBODY.moved(-50), other]] * 8
    report = extract_poses(people_video(tmp_path / "v.mp4", frames), settings, tmp_path / "poses.mp4", None)
    pictures, _ = read_poses(tmp_path / "poses.mp4")
    for picture in pictures:
        assert np.abs(ends(picture) - corners(SOMEBODY.moved(-50))).max() <= 4
    assert report.facts["persons_seen"] == 2
    assert report.facts["jumps"] == 0


def test_a_jump_is_counted_and_said(tmp_path: Path, settings: ExtractionSettings):
    frames = [[SOMEBODY.moved(-50)]] * 4 + [[SOMEBODY.moved(110)]] * 20
    pictures = [draw_people(people, 192, 320) for people in frames]
    report = extract_poses(write_video(tmp_path / "v.mp4", pictures), settings, tmp_path / "poses.mp4", None)
    assert report.facts["jumps"] == 1
    assert any("once somebody at another place" in warning for warning in report.warnings)


def test_no_more_is_drawn_than_is_asked_for(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY]] * 20)
    report = extract_poses(video, settings, tmp_path / "poses.mp4", 0.2)
    assert report.facts["frames"] == 5
    assert len(read_poses(tmp_path / "poses.mp4")[0]) == 5


def test_the_same_video_gives_the_same_file(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY.moved(index)] for index in range(5)])
    for name in ("a.mp4", "b.mp4"):
        extract_poses(video, settings, tmp_path / name, None)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([[]] * 4, r"there is nobody to be seen in its 4 frames\. .* lower pose\.person_threshold \(0\.3\)"),
        ([[dataclasses.replace(SOMEBODY, certainty=0.2)]] * 3, "nobody to be seen in its 3 frames"),
    ],
)
def test_a_video_of_nobody_is_refused_and_leaves_nothing(
    tmp_path: Path, settings: ExtractionSettings, frames: list[list[Person]], words: str
):
    video = people_video(tmp_path / "v.mp4", frames)
    before = files_in(tmp_path)
    with pytest.raises(InputError, match=words):
        extract_poses(video, settings, tmp_path / "poses.mp4", None)
    assert files_in(tmp_path) == before


def test_joints_below_the_threshold_are_not_drawn(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY]] * 2)
    with pytest.raises(InputError, match=r"nobody to be seen .* pose\.joint_threshold \(0\.99\)"):
        extract_poses(video, dataclasses.replace(settings, joint_threshold=0.99), tmp_path / "poses.mp4", None)


def test_a_hidden_joint_comes_back_when_it_is_plain():
    joints = Joints(0.5)
    shown = [bool(joints.show(np.array([score]))[0]) for score in (0.51, 0.5, 0.49, 0.51, 0.55, 0.61, 0.5, 0.4)]
    assert shown == [True, True, False, False, False, True, True, False]


class _Stopped(BaseException):
    pass


@pytest.mark.parametrize("stop", [KeyboardInterrupt, _Stopped])
def test_what_is_interrupted_leaves_what_was_there(
    tmp_path: Path, settings: ExtractionSettings, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY]] * 10)
    target = tmp_path / "poses.mp4"
    target.write_bytes(b"before")
    before, threads = files_in(tmp_path), threading.active_count()
    drawn: Iterator[int] = iter(range(5))
    true_draw = extract.draw_pose

    def draw(*arguments):
        if next(drawn) == 4:
            raise stop
        return true_draw(*arguments)

    monkeypatch.setattr(extract, "draw_pose", draw)
    with pytest.raises(stop):
        extract_poses(video, settings, target, None)
    assert files_in(tmp_path) == before
    assert target.read_bytes() == b"before"
    assert threading.active_count() == threads


def test_a_video_that_breaks_off_leaves_nothing(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY.moved(index)] for index in range(50)])
    content = bytearray(video.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 4] = b"\xff" * (len(content) // 4)
    video.write_bytes(content)
    before = files_in(tmp_path)
    with pytest.raises(InputError, match=r"pose\.path .* it breaks off after"):
        extract_poses(video, settings, tmp_path / "poses.mp4", None)
    assert files_in(tmp_path) == before


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY]])
    with pytest.raises(OutputError, match="cannot be written"):
        extract_poses(video, settings, tmp_path / "absent" / "poses.mp4", None)


def test_a_disk_that_is_full_is_said(tmp_path: Path, settings: ExtractionSettings):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY.moved(index)] for index in range(20)])
    before = files_in(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            extract_poses(video, settings, tmp_path / "poses.mp4", None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_in(tmp_path) == before


def test_a_check_finds_what_is_wrong_before_anything_is_loaded(
    tmp_path: Path, settings: ExtractionSettings, monkeypatch: pytest.MonkeyPatch
):
    video = people_video(tmp_path / "v.mp4", [[SOMEBODY]])
    monkeypatch.setattr(person, "Detector", None)
    check_extraction(video, settings)
    for changes, words in (
        ({"detector": tmp_path / "absent.onnx"}, r"pose\.detector '.*': there is no such file"),
        ({"estimator": tmp_path / "absent.onnx"}, r"pose\.estimator '.*': there is no such file"),
        ({"estimator": tmp_path / ("long" * 99)}, r"pose\.estimator '.*': it cannot be read as a file"),
        ({"detector": settings.estimator}, r"pose\.detector '.*': its inputs are"),
        ({"device": "tpu"}, r"memory\.device 'tpu'"),
    ):
        with pytest.raises(InputError, match=words):
            check_extraction(video, dataclasses.replace(settings, **changes))
    with pytest.raises(InputError, match=r"pose\.path '.*': there is no such file"):
        check_extraction(tmp_path / "absent.mp4", settings)
    monkeypatch.setattr(session, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="onnxruntime"):
        check_extraction(video, settings)


def test_poses_are_described_by_content_and_not_by_place(tmp_path: Path, settings: ExtractionSettings):
    described = describe_extraction(settings)
    moved = settings.detector.rename(tmp_path / "elsewhere.onnx")
    assert describe_extraction(dataclasses.replace(settings, detector=moved, device="cuda:0")) == described
    assert not any(str(tmp_path) in str(value) for value in described.values())
    other = write_detector(tmp_path / "other.onnx", side=96)
    for changes in ({"detector": other}, {"joint_threshold": 0.4}, {"person_threshold": 0.4}, {"person": "centre"}):
        changed = dataclasses.replace(settings, **{"detector": moved, **changes})
        assert describe_extraction(changed) != described
