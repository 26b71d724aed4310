import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from s2v_runner.errors import InputError
from s2v_runner.inputs.picture import fit_picture, read_picture, report_picture
from s2v_runner.inputs.probe import probe_picture
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


def test_the_whole_picture_is_seen_between_borders():
    white = Picture(np.full((300, 90, 3), 255, np.uint8))
    fitted = fit_picture(white, 64, 128, dataclasses.replace(FIXED, picture_fit="pad"))
    lit = fitted.min(axis=2) == 255
    assert lit.sum() == 64 * round(90 * 64 / 300)
    assert lit[:, 64].all()
    assert not fitted[:, 0].any()


def gradient(mode: str) -> Image.Image:
    ramp = Image.fromarray(np.tile(np.arange(0, 256, 2, dtype=np.uint8), (40, 1)))
    if mode in ("LAB", "I;16", "I", "F"):
        values = np.asarray(ramp)
        if mode == "LAB":
            srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
            made = ImageCms.profileToProfile(ramp.convert("RGB"), srgb, lab, outputMode="LAB")
            assert made is not None
            return made
        return Image.fromarray({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode](values))
    return ramp.convert(mode)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F"])
def test_every_mode_that_a_file_can_have_shows_the_same(tmp_path: Path, mode: str):
    path = tmp_path / "picture.tiff"
    gradient(mode).save(path)
    with Image.open(path) as stored:
        assert stored.mode == mode
    pixels = read_picture(path, FIXED).pixels.astype(int)
    wanted = np.arange(0, 256, 2)[None, :, None]
    assert np.abs(pixels - wanted).max() <= (4 if mode in ("LAB", "YCbCr") else 1)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_numbers_with_a_point_are_scaled_by_their_largest(tmp_path: Path, top: float):
    path = tmp_path / "picture.tiff"
    values = np.tile(np.linspace(0, top, 64, dtype=np.float32), (40, 1))
    Image.fromarray(values).save(path)
    pixels = read_picture(path, FIXED).pixels
    assert np.abs(pixels[0, :, 0] - np.linspace(0, 255, 64)).max() <= 1


@pytest.mark.parametrize(
    "values", [np.float32(-1), np.float32("nan"), np.float32(1e6), np.int32(-4), np.int32(1 << 20)]
)
def test_numbers_that_are_no_brightness_are_refused(tmp_path: Path, values: np.generic):
    path = tmp_path / "picture.tiff"
    Image.fromarray(np.full((40, 40), values)).save(path)
    with pytest.raises(InputError, match="its values go from"):
        read_picture(path, FIXED)


def test_two_colours_are_black_and_white(tmp_path: Path):
    path = tmp_path / "picture.png"
    Image.fromarray(np.eye(32, dtype=bool)).save(path)
    assert np.array_equal(read_picture(path, FIXED).pixels[..., 0], np.eye(32, dtype=np.uint8) * 255)


@pytest.mark.parametrize("kind", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white_and_to_the_original_what_lies_hidden_there(tmp_path: Path, kind: str):
    path = tmp_path / "picture.png"
    clear = Image.new("RGBA", (32, 32), (40, 40, 40, 0))
    clear.paste((0, 0, 0, 255), (0, 0, 16, 32))
    if kind == "P":
        clear = clear.convert("RGB").quantize(2)
        clear.save(path, transparency=clear.getpixel((31, 0)))
    else:
        clear.convert(kind).save(path)
    pixels = read_picture(path, FIXED).pixels
    assert (pixels[:, :16] == 0).all()
    assert (pixels[:, 16:] == 255).all()
    assert (read_picture(path, REFERENCE).pixels[:, 16:] == 40).all()
    report = report_picture(path, FIXED, 64, 64)
    assert report.facts["flattened"]
    assert report.words == "32x32 PNG, laid on white, scaled by 2"


def test_half_transparent_is_half_white(tmp_path: Path):
    path = tmp_path / "picture.webp"
    Image.new("RGBA", (32, 32), (0, 0, 0, 128)).save(path, lossless=True)
    assert np.abs(read_picture(path, FIXED).pixels.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, suffix: str):
    path = tmp_path / f"picture.{suffix}"
    first, second = Image.new("RGB", (32, 32), (255, 0, 0)), Image.new("RGB", (32, 32), (0, 0, 255))
    first.save(path, save_all=True, append_images=[second], duration=100, lossless=True)
    red, green, blue = read_picture(path, FIXED).pixels[16, 16]
    assert (red > 250, green < 5, blue < 5) == (True, True, True)
    report = report_picture(path, FIXED, 64, 64)
    assert report.facts["frames"] == 2
    assert "has 2 frames; the first is taken" in report.warnings[0]


def test_what_is_done_to_a_photo_is_said(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = QUARTER_TURN
    Image.new("RGB", (400, 300)).save(path, exif=exif)
    report = report_picture(path, FIXED, 192, 150)
    assert report.words == "400x300 JPEG, turned upright, scaled by 0.5, 8 rows cut"
    assert (report.facts["width"], report.facts["height"]) == (300, 400)
    assert report.warnings == ()
    ignored = report_picture(path, dataclasses.replace(FIXED, orientation="ignored"), 150, 200)
    assert ignored.words == "400x300 JPEG, scaled by 0.5"


def test_what_is_enlarged_or_cut_by_much_is_a_warning(tmp_path: Path):
    path = tmp_path / "small.png"
    Image.new("RGB", (40, 20)).save(path)
    enlarged, cut = report_picture(path, FIXED, 128, 128).warnings
    assert "has only 40x20 pixels and is enlarged 6.4 times" in enlarged
    assert "50% of image" in cut
    assert "fit=pad" in cut


def test_colours_of_another_space_are_said(tmp_path: Path):
    path = tmp_path / "wide.png"
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.new("RGB", (64, 64)).save(path, icc_profile=lab)
    report = report_picture(path, FIXED, 64, 64)
    assert "taken for sRGB" in report.words
    assert report.facts["colour_profile"]


def test_a_jpeg_too_large_to_be_read_whole_is_read_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (401, 200), (10, 200, 30)).save(path, quality=95)
    for most, size in ((90_000, (200, 401)), (50_000, (100, 201)), (6_000, (50, 101)), (100, (25, 51))):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        assert probe_picture(path, FIXED) == size
        picture = read_picture(path, FIXED)
        assert picture.size == size
        assert np.abs(picture.pixels.astype(int) - (10, 200, 30)).max() < 5
    assert report_picture(path, FIXED, 64, 64).words.startswith("401x200 JPEG, read at 51x25, scaled by")


@pytest.mark.parametrize("name", ["large.png", "progressive.jpg"])
def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    path = tmp_path / name
    Image.new("RGB", (400, 200)).save(path, progressive=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    assert read_picture(path, FIXED).size == ((200, 400) if name == "large.png" else (100, 200))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    with pytest.raises(InputError, match=r"too large .*80000 pixels.*Scale it"):
        read_picture(path, FIXED)


@pytest.mark.parametrize(
    ("size", "said"), [((1, 1), "16 on each side"), ((300, 15), "16 on each side"), ((300, 32), "more than 8 times")]
)
def test_a_picture_of_no_use_is_refused(tmp_path: Path, size: tuple[int, int], said: str):
    path = tmp_path / "picture.png"
    Image.new("RGB", size).save(path)
    for look in (probe_picture, read_picture):
        with pytest.raises(InputError, match=rf"it is {size[0]}x{size[1]} pixels.*{said}"):
            look(path, FIXED)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC photo.*as JPEG"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "it is a video. Give a still"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0", "it is a video"),
        (b"%PDF-1.7\n%", "a PDF document.*as PNG"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG.*as PNG"),
        (b"words", "cannot be read as a picture"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it breaks off.*export it again"),
    ],
)
def test_files_of_another_kind_are_told_what_to_become(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as refused:
        read_picture(path, FIXED)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    for path, said in ((pipe, "a pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(InputError, match=said):
            read_picture(path, FIXED)


def test_a_picture_that_may_not_be_read_is_refused(picture_file: Path):
    picture_file.chmod(0)
    # Nothing is forbidden to the first of users, who can be another one.
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            read_picture(picture_file, FIXED)
    finally:
        os.seteuid(user)


def test_what_is_no_picture_is_refused(tmp_path: Path):
    text = tmp_path / "picture.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.jpg"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(cut)
    cut.write_bytes(cut.read_bytes()[:600])
    for path, said in ((text, "cannot be read as a picture"), (cut, "it breaks off")):
        with pytest.raises(InputError, match=said):
            read_picture(path, FIXED)
    with pytest.raises(InputError, match="no such file"):
        read_picture(tmp_path / "absent.png", FIXED)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".tif", ".bmp"])
def test_a_picture_that_breaks_off_is_refused_before_it_is_needed(tmp_path: Path, suffix: str):
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(path)
    probe_picture(path, FIXED)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    for look in (probe_picture, read_picture):
        with pytest.raises(InputError, match=r"picture\.\w+': it (breaks off|cannot be read).*(Copy|Give)") as refused:
            look(path, FIXED)
        assert "\n" not in str(refused.value)
