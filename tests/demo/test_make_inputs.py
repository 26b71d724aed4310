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
    made_pixels, shipped_pixels = (pixels(folder / "picture.png").astype(int) for folder in (tmp_path, ASSETS))
    # Processors differ in the last digit of a root, and so by a level in a pixel.
    assert np.abs(made_pixels - shipped_pixels).max() <= 1
    (made, rate), (shipped, shipped_rate) = (soundfile.read(folder / "speech.wav") for folder in (tmp_path, ASSETS))
    assert rate == shipped_rate
    assert np.array_equal(made, shipped)


def test_the_sentence_fills_one_clip_and_can_be_heard():
    assert 4.7 < probe_sound(ASSETS / "speech.wav").seconds <= 77.49 / 16
    samples, _ = soundfile.read(ASSETS / "speech.wav")
    assert 0.1 < np.abs(samples).max() < 1
