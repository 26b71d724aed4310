"""How loud what is heard is, and how it begins and ends."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from s2v_runner.inputs.levels import HIGHEST_PEAK, measure_levels
from s2v_runner.inputs.recording import prepare_recording
from tests.inputs.sounds import chirping, heard_of, prepare


@pytest.mark.parametrize("rate", [8000, 12345, 44100, 48000])
def test_loudness_is_that_of_the_standard(rate: int):
    # ITU-R BS.1770: a sine of 997 Hz at full scale in one front channel is at -3.01 LUFS.
    sine = np.sin(2 * np.pi * 997 * np.arange(4 * rate) / rate)[:, None].astype(np.float32)
    blocks = np.array_split(sine * 10 ** (-20 / 20), 7)
    levels = measure_levels(blocks, rate, 1)
    assert levels.loudness == pytest.approx(-23.01, abs=0.1)
    assert levels.peak == pytest.approx(-20, abs=0.05)
    assert measure_levels([np.repeat(block, 2, axis=1) for block in blocks], rate, 2).loudness == pytest.approx(
        -20.0, abs=0.1
    )


@pytest.mark.parametrize("wanted", [-30.0, -16.0])
def test_a_recording_is_brought_to_a_loudness(tmp_path: Path, target: Path, wanted: float):
    path = tmp_path / "speech.wav"
    samples = chirping(3, 44100, 2, level=0.1)
    soundfile.write(path, samples, 44100, subtype="FLOAT")
    before = measure_levels([samples], 44100, 2).loudness
    report = prepare_recording(path, heard_of(loudness=wanted), target)
    heard, _ = soundfile.read(target, dtype="float32", always_2d=True)
    assert measure_levels([heard], 44100, 2).loudness == pytest.approx(wanted, abs=0.05)
    # One gain for all of it.
    assert np.allclose(heard, samples * 10 ** ((wanted - before) / 20), atol=1e-6)
    assert report.facts["loudness_before"] == pytest.approx(before, abs=0.01)
    assert report.words.endswith(f"{before:.1f} → {wanted:.1f} LUFS".replace("-", "−"))
    assert report.warnings == ()


def test_peaks_are_not_lifted_beyond_what_encoders_bear(tmp_path: Path, target: Path):
    path = tmp_path / "speech.wav"
    samples = chirping(3, 16000, level=0.02)
    samples[20000] = 0.5
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    report = prepare_recording(path, heard_of(loudness=-12.0), target)
    heard, _ = soundfile.read(target, dtype="float32")
    assert 20 * np.log10(np.abs(heard).max()) == pytest.approx(HIGHEST_PEAK, abs=0.01)
    (warning,) = report.warnings
    assert "audio.loudness=-12 would lift the peaks" in warning
    assert f"{report.facts['loudness']:.1f}".replace("-", "−") in warning


@pytest.mark.parametrize("samples", [np.zeros((32000, 1)), chirping(2, 16000, level=1e-5), chirping(0.2, 16000)])
def test_what_is_too_soft_or_short_to_be_measured_is_left_alone(tmp_path: Path, target: Path, samples: np.ndarray):
    path = tmp_path / "speech.wav"
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    report = prepare_recording(path, heard_of(loudness=-23.0), target)
    heard, _ = soundfile.read(target, dtype="float32", always_2d=True)
    assert np.array_equal(heard, samples.astype(np.float32))
    assert "left as it is" in report.warnings[0]


def test_it_swells_and_fades_where_it_is_cut_and_nowhere_else(tmp_path: Path, target: Path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.full((48000, 1), 0.5), 16000, subtype="FLOAT")
    faded = round(0.25 * 16000)
    middle = prepare(path, heard_of(start=1.0, duration=1.0, fade=0.25), target)[:, 0]
    assert middle[0] < 1e-4
    assert (np.diff(middle[:faded]) > 0).all()
    assert middle[faded // 2] == pytest.approx(0.25, abs=1e-3)
    assert (middle[faded:-faded] == 0.5).all()
    assert np.allclose(middle, middle[::-1])
    beginning = prepare(path, heard_of(duration=1.0, fade=0.25), target)[:, 0]
    assert beginning[0] == 0.5
    assert beginning[-1] < 1e-4
    end = prepare(path, heard_of(start=1.0, fade=0.25), target)[:, 0]
    assert end[0] < 1e-4
    assert end[-1] == 0.5
    # No longer than half of what is heard.
    short = prepare(path, heard_of(start=1.0, duration=0.1, fade=9.0), target)[:, 0]
    assert short.max() == pytest.approx(0.5, abs=1e-3)
    assert np.allclose(short, short[::-1])
