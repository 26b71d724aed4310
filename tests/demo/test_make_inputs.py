"""The picture and the sentence that are shipped are what the script makes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from demo.make_inputs import ASSETS
from s2v_runner.inputs.probe import probe_sound


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_the_script_makes_what_is_shipped(tmp_path: Path):
    # In a process of its own: the speech library keeps state.
    subprocess.run([sys.executable, "-m", "demo.make_inputs", "--out", str(tmp_path)], check=True, capture_output=True)
    assert np.array_equal(pixels(tmp_path / "picture.png"), pixels(ASSETS / "picture.png"))
    (made, rate), (shipped, shipped_rate) = (soundfile.read(folder / "speech.wav") for folder in (tmp_path, ASSETS))
    assert rate == shipped_rate
    assert np.array_equal(made, shipped)


def test_the_sentence_fills_one_clip_and_can_be_heard():
    assert 3 < probe_sound(ASSETS / "speech.wav").seconds <= 4.8
    samples, _ = soundfile.read(ASSETS / "speech.wav")
    assert 0.1 < np.abs(samples).max() < 1
