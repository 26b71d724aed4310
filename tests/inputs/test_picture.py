from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2v_runner.errors import InputError
from s2v_runner.inputs.picture import fit_picture, read_picture
from s2v_runner.records import FIXED, REFERENCE, Picture

ORIENTATION_TAG = 0x0112
QUARTER_TURN = 6


def test_orientation_is_honoured_or_as_in_the_original_ignored(tmp_path: Path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = QUARTER_TURN
    Image.new("RGB", (40, 20)).save(path, exif=exif)
    assert read_picture(path, FIXED).size == (40, 20)
    assert read_picture(path, REFERENCE).size == (20, 40)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "I;16"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str):
    ramp = np.tile(np.arange(256, dtype=np.uint8), (40, 1))
    image = Image.fromarray(ramp.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(ramp).convert(mode)
    path = tmp_path / ("picture.tiff" if mode == "CMYK" else "picture.png")
    image.save(path)
    pixels = read_picture(path, FIXED).pixels
    assert pixels.shape == (40, 256, 3)
    assert np.abs(pixels.astype(int) - ramp[..., None]).max() <= 1


def test_covering_leaves_no_black(tmp_path: Path):
    white = Picture(np.full((720, 1280, 3), 255, np.uint8))
    assert fit_picture(white, 448, 832, FIXED).min() == 255
    # The original scales the short side only, which leaves 36 columns of this picture black.
    padded = fit_picture(white, 448, 832, REFERENCE)
    assert (padded.max(axis=(0, 2)) == 0).sum() == 36
    assert padded.shape == (448, 832, 3)


def test_a_picture_of_the_right_size_is_left_alone():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 128, 3), np.uint8)
    for compat in (FIXED, REFERENCE):
        assert np.array_equal(fit_picture(Picture(pixels), 64, 128, compat), pixels)


def test_what_is_no_picture_is_refused(tmp_path: Path):
    text = tmp_path / "picture.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(cut)
    cut.write_bytes(cut.read_bytes()[:600])
    for path in (text, cut):
        with pytest.raises(InputError, match="cannot be read as a picture"):
            read_picture(path, FIXED)
    with pytest.raises(InputError, match="no such file"):
        read_picture(tmp_path / "absent.png", FIXED)
