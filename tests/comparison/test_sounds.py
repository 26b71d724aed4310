from dataclasses import replace
from pathlib import Path

import pytest

from s2v_runner.comparison import sounds as module
from s2v_runner.comparison.reading import ComparedPoint, read_sweep
from s2v_runner.comparison.sounds import make_sounds
from tests.comparison.looks import TINY
from tests.comparison.sweeps import change_record, make_sweep, set_status

RECORDINGS = [f"voice_{number}.wav" for number in range(4)]


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> tuple[ComparedPoint, ...]:
    """Four recordings, each with two numbers of steps."""
    sweep = make_sweep(tmp_path_factory.mktemp("sounds"), {"sampler.steps": [1, 2], "audio.path": RECORDINGS}, TINY)
    return read_sweep(sweep).points


def test_each_recording_is_there_once(points: tuple[ComparedPoint, ...], tmp_path: Path):
    said: list[str] = []
    made = make_sounds(points, tmp_path, said.append)
    assert [sound.name for sound in made.sounds] == RECORDINGS
    assert made.of_point == {1: 0, 2: 1, 3: 2, 4: 3, 5: 0, 6: 1, 7: 2, 8: 3}
    assert all(sound.seconds == pytest.approx(0.75, abs=0.1) for sound in made.sounds)
    assert made.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert len({sound.path.read_bytes() for sound in made.sounds}) == 4
    written = [sound.path.stat().st_mtime_ns for sound in made.sounds]
    assert make_sounds(points, tmp_path, said.append) == made
    assert [sound.path.stat().st_mtime_ns for sound in made.sounds] == written
    assert not said


def test_it_is_as_long_as_the_longest_video_of_the_recording(tmp_path: Path):
    short = make_sweep(tmp_path / "short", {"sampler.steps": [1]}, TINY)
    long = make_sweep(tmp_path / "long", {"sampler.steps": [1]}, replace(TINY, frames=40))
    first, second = read_sweep(short).points[0], read_sweep(long).points[0]
    assert first.record is not None
    assert second.record is not None
    same = replace(second.record, inputs=first.record.inputs)
    made = make_sounds([first, replace(second, record=same)], tmp_path, print)
    assert [sound.seconds for sound in made.sounds] == [pytest.approx(2.5, abs=0.1)]


def test_points_without_a_video_or_a_recording_have_none(sweep: Path, tmp_path: Path):
    set_status(sweep, 1, "FAILED", "it failed")
    change_record(sweep, 2, inputs={})
    made = make_sounds(read_sweep(sweep).points, tmp_path, print)
    assert made.of_point == {3: 0, 4: 0, 5: 0, 6: 0}


def test_many_recordings_take_fewer_bits_each(
    points: tuple[ComparedPoint, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plenty = make_sounds(points, tmp_path / "..", print).bytes
    monkeypatch.setattr(module, "_MOST_BYTES", 16_000)
    made = make_sounds(points, tmp_path, print)
    assert len(made.sounds) == 4
    assert made.bytes <= 16_000 < plenty


def test_what_does_not_fit_is_left_out_and_said(
    points: tuple[ComparedPoint, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    said: list[str] = []
    monkeypatch.setattr(module, "_MOST_BYTES", 6_000)
    made = make_sounds(points, tmp_path, said.append)
    assert 0 < len(made.sounds) < 4
    assert made.bytes <= 6_000
    assert 8 not in made.of_point
    assert said == [f"{4 - len(made.sounds)} of 4 recordings are left out: the page would be too large"]
