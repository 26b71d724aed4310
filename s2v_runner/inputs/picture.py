"""The reference picture."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.ExifTags import Base

from s2v_runner.errors import InputError
from s2v_runner.geometry import Placement, place
from s2v_runner.inputs.stills import OpenPicture, open_picture
from s2v_runner.records import Compat, Picture, Report, Value

_GROUND = (255, 255, 255)
"""What stands behind what is transparent: white, as pages and viewers show it, so that it looks as it was made to."""

_MOST_ENLARGED = 2.0
_MOST_CUT = 0.3
_UPRIGHT = 1
# Several pictures of one moment, as cameras store them; no film.
_NOT_ANIMATED = {"MPO"}


def read_picture(path: Path, compat: Compat) -> Picture:
    """Read a picture of any mode as RGB. Raises InputError for a file that is missing or is no picture.

    It is turned as its EXIF data asks, transparency is laid on white, 16 bits are scaled to 8, and of several frames
    the first is taken. With `compat.orientation` ignored it is read as the original does: not turned, what is
    transparent shows the colours that lie hidden there, and brighter than 255 is white.
    """
    with open_picture(path) as opened:
        if compat.orientation == "ignored":
            return Picture(np.asarray(opened.image.convert("RGB")))
        return Picture(np.asarray(_to_rgb(path, ImageOps.exif_transpose(opened.image))))


def fit_picture(picture: Picture, height: int, width: int, compat: Compat) -> np.ndarray:
    """The picture at the size of the frame, [height, width, 3], 8 bits.

    `compat.picture_fit` says how: scaled until it fills the frame and cropped, its short side to that of the frame as
    the original does it, or whole. Where it does not reach it is black.
    """
    placed = place(*picture.size, height, width, compat.picture_fit)
    image = Image.fromarray(picture.pixels)
    pixels = np.asarray(image.resize((placed.columns, placed.rows), Image.Resampling.BILINEAR))
    pixels = np.pad(pixels, (placed.row_padding, placed.column_padding, (0, 0)))
    return pixels[placed.top : placed.top + height, placed.left : placed.left + width]


def report_picture(path: Path, compat: Compat, height: int, width: int) -> Report:
    """What is done to a picture on its way into a frame, from its header. Raises InputError like `read_picture`."""
    with open_picture(path) as opened:
        image = opened.image
        orientation = image.getexif().get(Base.Orientation, _UPRIGHT)
        honoured = compat.orientation == "honoured"
        turned = honoured and orientation in range(2, 9)
        rows, columns = image.size if turned and orientation >= 5 else (image.height, image.width)
        placed = place(rows, columns, height, width, compat.picture_fit)
        frames = 1 if image.format in _NOT_ANIMATED else getattr(image, "n_frames", 1)
        facts: dict[str, Value] = {
            "format": image.format,
            "mode": image.mode,
            "bits": _bits(image),
            "width": columns,
            "height": rows,
            "turned": turned,
            "flattened": honoured and image.has_transparency_data,
            "frames": frames,
            "colour_profile": _colour_profile(image),
            "fit": compat.picture_fit,
            "scale": placed.scale,
            "cut_rows": placed.cut_rows,
            "cut_columns": placed.cut_columns,
            "border_rows": sum(placed.row_padding),
            "border_columns": sum(placed.column_padding),
        }
        words = ", ".join(_words(opened, facts, placed))
    return Report(facts, words, tuple(_warnings(path, frames, placed, rows, columns)))


def _words(opened: OpenPicture, facts: dict[str, Value], placed: Placement) -> Iterator[str]:
    width, height = opened.full_size
    yield f"{width}x{height} {facts['format']}"
    if opened.image.size != opened.full_size:
        yield f"read at {opened.image.width}x{opened.image.height}"
    if facts["turned"]:
        yield "turned upright"
    if facts["flattened"]:
        yield "laid on white"
    if facts["bits"] != 8:
        yield f"{facts['bits']} bits made 8"
    profile = facts["colour_profile"]
    if isinstance(profile, str) and "srgb" not in profile.lower():
        yield f"its colours of '{profile}' taken for sRGB"
    yield f"scaled by {placed.scale:.3g}"
    if placed.words:
        yield placed.words


def _warnings(path: Path, frames: int, placed: Placement, rows: int, columns: int) -> Iterator[str]:
    if frames > 1:
        yield f"image '{path}' has {frames} frames; the first is taken"
    if placed.scale > _MOST_ENLARGED:
        yield (
            f"image '{path}' has only {columns}x{rows} pixels and is enlarged {placed.scale:.1f} times: "
            "the video will be as blurred as that"
        )
    if placed.cut_share > _MOST_CUT:
        yield (
            f"{placed.cut_share:.0%} of image '{path}' is cut away ({placed.words}); fit=pad shows all of it, "
            "and a size of its aspect too"
        )


def _bits(image: Image.Image) -> int:
    """To a sample."""
    if image.mode == "1":
        return 1
    return 16 if image.mode.startswith("I") else 32 if image.mode == "F" else 8


def _colour_profile(image: Image.Image) -> str | None:
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    try:
        return " ".join(ImageCms.getProfileDescription(io.BytesIO(profile)).split())
    except (ImageCms.PyCMSError, OSError):
        return "unreadable"


def _to_rgb(path: Path, image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _from_integers(path, np.asarray(image)).convert("RGB")
    if image.mode == "F":
        return _from_floats(path, np.asarray(image)).convert("RGB")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        rgb = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert rgb is not None
        return rgb
    if image.has_transparency_data:
        # What is multiplied by its transparency already converts to nothing but its plain counterpart.
        plain = image.convert("LA") if image.mode == "La" else image
        ground = Image.new("RGBA", image.size, _GROUND)
        return Image.alpha_composite(ground, plain.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _from_integers(path: Path, values: np.ndarray) -> Image.Image:
    """16 bits to 8; Pillow would cut them off at 255, and make most of the picture white."""
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest > 0xFFFF:
        raise _refuse_values(path, lowest, highest)
    # What is stored in more bits than it has.
    shift = 0 if values.dtype.itemsize > 2 and highest <= 0xFF else 8
    return Image.fromarray((values >> shift).astype(np.uint8))


def _from_floats(path: Path, values: np.ndarray) -> Image.Image:
    """Of 0 to 1, 0 to 255 or 0 to 65535, whichever holds the largest."""
    lowest, highest = float(values.min()), float(values.max())
    largest = next((top for top in (1.0, 255.0, 65535.0) if highest <= top), None)
    if not lowest >= 0 or largest is None:
        raise _refuse_values(path, lowest, highest)
    return Image.fromarray((values * (255 / largest)).round().astype(np.uint8))


def _refuse_values(path: Path, lowest: float, highest: float) -> InputError:
    return InputError(
        f"image '{path}'", f"its values go from {lowest:g} to {highest:g}", "Export it as a PNG of 8 or 16 bits"
    )
