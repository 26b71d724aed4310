"""What is heard of a file: which part, and what it costs to find it."""

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.probe import SoundHeader
from s2v_runner.inputs.recording import prepare_recording, probe_recording, report_recording
from tests.inputs.sounds import WHOLE, chirping, heard_of, prepare


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_recording_with_nothing_to_be_done_is_heard_as_it_is(tmp_path: Path, suffix: str):
    path = tmp_path / f"speech.{suffix}"
    soundfile.write(path, chirping(2, 22050, 2), 22050)
    recording = probe_recording(path, heard_of(fade=0.02))
    assert recording.is_as_it_is
    samples, _ = soundfile.read(path)
    assert (recording.frames, recording.begin, recording.is_cut_after) == (len(samples), 0, False)
    assert recording.speech_samples == len(read_sound(path).samples)
    report = report_recording(path, WHOLE)
    assert report.words == f"{suffix}, 22.05 kHz stereo, 2.00 s"
    assert report.warnings == ()
    assert report.facts["sample_rate"] == 22050


def test_of_an_mp3_file_is_heard_what_is_heard_of_it_in_one_go(tmp_path: Path, target: Path):
    path = tmp_path / "speech.mp3"
    soundfile.write(path, chirping(3, 44100, 2), 44100)
    assert not probe_recording(path, WHOLE).is_as_it_is
    at_once, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.abs(prepare(path, WHOLE, target) - at_once).max() < 1e-6
    assert np.array_equal(read_sound(target).samples, read_sound(path).samples)


@pytest.mark.parametrize(
    ("changes", "as_it_is"),
    [({"start": 0.5}, False), ({"duration": 1.0}, False), ({"duration": 9.0}, True), ({"loudness": -23.0}, False)],
)
def test_what_has_something_to_be_done_is_not_heard_as_it_is(tmp_path: Path, changes: dict, as_it_is: bool):
    path = tmp_path / "speech.wav"
    soundfile.write(path, chirping(2, 16000), 16000)
    assert probe_recording(path, heard_of(**changes)).is_as_it_is == as_it_is


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_a_part_is_that_part_of_the_whole_to_the_sample(tmp_path: Path, target: Path, suffix: str, rate: int):
    path = tmp_path / f"speech.{suffix}"
    soundfile.write(path, chirping(3, rate, 2), rate)
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    part = prepare(path, heard_of(start=1.25, duration=1.5), target)
    begin = round(1.25 * rate)
    # What an MP3 decoder remembers of the past differs in the last bit.
    assert np.allclose(part, whole[begin : begin + round(1.5 * rate)], rtol=0, atol=1e-6 if suffix == "mp3" else 0)
    rest = prepare(path, heard_of(start=1.25), target)
    assert np.allclose(rest, whole[begin:], rtol=0, atol=1e-6 if suffix == "mp3" else 0)


def test_three_hours_are_read_no_further_than_they_are_heard_and_never_held(tmp_path: Path, target: Path):
    rate, hours = 8000, 3
    path = tmp_path / "long.flac"
    noise = chirping(60, rate)[:, 0]
    with soundfile.SoundFile(path, "w", rate, 1, subtype="PCM_16", compression_level=0.0) as file:
        for minute in range(hours * 60):
            file.write(noise if minute % 30 == 0 else np.zeros(60 * rate, np.float32))
    for start in (0.0, hours * 3600 - 60.0):
        tracemalloc.start()
        started = time.process_time()
        report = prepare_recording(path, heard_of(start=start, duration=5.0, loudness=-23.0, fade=0.02), target)
        took = time.process_time() - started
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 4e6
        assert took < 2
        assert soundfile.info(target).frames == 5 * rate
    assert report.words.startswith("flac, 8 kHz mono, 3 h 0 min; heard from 10740.00 s for 5.00 s")


def test_memory_does_not_grow_with_what_is_heard(tmp_path: Path, target: Path):
    most = []
    for seconds in (30, 120):
        path = tmp_path / "speech.wav"
        soundfile.write(path, chirping(seconds, 16000, 2), 16000)
        tracemalloc.start()
        prepare_recording(path, heard_of(start=1.0, loudness=-20.0, fade=0.5), target)
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert most[1] < 1.2 * most[0] < 8e6


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path, target: Path):
    path = tmp_path / "speech.ogg"
    soundfile.write(path, chirping(2, 24000, 2), 24000)
    made = []
    for _ in range(2):
        prepare_recording(path, heard_of(start=0.5, loudness=-23.0, fade=0.1), target)
        made.append(target.read_bytes())
    assert made[0] == made[1]


def test_a_duration_beyond_the_end_is_said(tmp_path: Path, target: Path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, chirping(2, 16000), 16000)
    report = prepare_recording(path, heard_of(start=1.5, duration=2.0), target)
    assert report.facts["seconds"] == 0.5
    assert "audio.duration=2 is more than the 0.50 s" in report.warnings[0]


def test_a_recording_of_few_samples_a_second_is_said(tmp_path: Path):
    path = tmp_path / "telephone.wav"
    soundfile.write(path, chirping(1, 8000), 8000)
    assert "8000 samples a second" in report_recording(path, WHOLE).warnings[0]


def test_a_header_is_what_a_plan_takes(tmp_path: Path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, chirping(2, 44100), 44100)
    recording = probe_recording(path, heard_of(start=0.5, duration=1.0))
    assert isinstance(recording, SoundHeader)
    assert recording.seconds == 1.0
    assert recording.speech_samples == 16000
