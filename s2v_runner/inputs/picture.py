"""The reference picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from s2v_runner.geometry import centre_offset, centre_padding, contained_size, covering_size, short_side_size
from s2v_runner.inputs.probe import open_picture
from s2v_runner.records import Compat, Picture


def read_picture(path: Path, compat: Compat) -> Picture:
    """Read a picture as RGB. Raises InputError for a file that is missing or is no picture."""
    with open_picture(path) as image:
        upright = ImageOps.exif_transpose(image) if compat.orientation == "honoured" else image
        return Picture(np.asarray(_to_rgb(upright)))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would cut 16 bits off at 255, and make most of the picture white.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def fit_picture(picture: Picture, height: int, width: int, compat: Compat) -> np.ndarray:
    """The picture at the size of the frame, [height, width, 3], 8 bits."""
    return _FITS[compat.picture_fit](Image.fromarray(picture.pixels), height, width)


def _cover(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Scale until both sides reach the frame, then cut the middle out."""
    rows, columns = covering_size(image.height, image.width, height, width)
    resized = image.resize((columns, rows), Image.Resampling.BILINEAR)
    top, left = (rows - height) // 2, (columns - width) // 2
    return np.asarray(resized.crop((left, top, left + width, top + height)))


def _pad(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Scale until the whole is as large as the frame lets it be; black borders."""
    rows, columns = contained_size(image.height, image.width, height, width)
    pixels = np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR))
    return np.pad(pixels, (centre_padding(rows, height), centre_padding(columns, width), (0, 0)))


def _fit_as_original(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Scale the short side to the frame's short side; pad what is missing with black, cut what is over."""
    rows, columns = short_side_size(image.height, image.width, min(height, width))
    pixels = np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR))
    pixels = np.pad(pixels, (centre_padding(rows, height), centre_padding(columns, width), (0, 0)))
    top, left = centre_offset(pixels.shape[0], height), centre_offset(pixels.shape[1], width)
    return pixels[top : top + height, left : left + width]


_FITS: dict[str, Callable[[Image.Image, int, int], np.ndarray]] = {
    "cover": _cover,
    "reference": _fit_as_original,
    "pad": _pad,
}
