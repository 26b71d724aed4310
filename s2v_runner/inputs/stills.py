"""Picture files, opened: which of them there are, how large they may be, and what is answered for the rest."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from s2v_runner.errors import InputError
from s2v_runner.inputs.places import check_file

SMALLEST_SIDE = 16
"""Pixels. Below, there is nothing that a face could be told from."""
LONGEST_ASPECT = 8
"""How many times longer than the other a side may be; frames are multiples of 64 on both."""

_REDUCTIONS = (2, 4, 8)
"""By which a JPEG file can be read smaller at less cost."""
_HEAD_BYTES = 1024
_PHOTO_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_REMEDY = "Give a JPEG, PNG, WebP or the like"
# In what Pillow says of pictures whose end is missing.
_BROKEN_OFF = "truncated"
# What Pillow and its plug-ins raise for files that are damaged or none of theirs.
_ERRORS = (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError)


@dataclass(frozen=True)
class OpenPicture:
    """A picture file; nothing but its header has been read."""

    image: Image.Image
    """Reduced already where the file is too large to be read whole."""
    full_size: tuple[int, int]
    """Width and height in the file."""


@contextmanager
def open_picture(path: Path) -> Iterator[OpenPicture]:
    """A picture, open. What goes wrong with it until it is closed becomes an InputError.

    A JPEG of more pixels than Pillow's `MAX_IMAGE_PIXELS` is read at a half, a quarter or an eighth of its sides, so
    that memory stays bounded; other formats are read whole up to twice as many, and refused beyond.
    """
    subject = f"image '{path}'"
    check_file(subject, path, "Give the path of a picture")
    try:
        with _open(path) as image:
            full_size = image.size
            _check_shape(subject, *full_size)
            _reduce(image)
            yield OpenPicture(image, full_size)
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        # Its first half says how many pixels there are and how many may be.
        problem = f"it is too large to be read ({str(error).partition(',')[0]})"
        raise InputError(subject, problem, "Scale it to 4000 pixels a side or fewer; a frame has no more") from error
    except _ERRORS as error:
        problem, remedy = _explain(path, error)
        raise InputError(subject, problem, remedy) from error


def _open(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        # The sizes that it warns of are bounded here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            return Image.open(path)
        except Image.DecompressionBombError:
            image = _open_large_jpeg(path)
            if image is None:
                raise
            return image


def _open_large_jpeg(path: Path) -> Image.Image | None:
    try:
        image = JpegImageFile(path)
    except SyntaxError:
        return None
    if image.info.get("progressive"):
        # Its coefficients are all held, however small the picture that is asked for.
        image.close()
        return None
    return image


def _reduce(image: Image.Image) -> None:
    most = Image.MAX_IMAGE_PIXELS
    if most is None or image.format != "JPEG":
        return
    width, height = image.size
    needed = (by for by in _REDUCTIONS if width * height / by**2 <= most)
    if width * height > most:
        by = next(needed, _REDUCTIONS[-1])
        image.draft(image.mode, (width // by, height // by))


def _check_shape(subject: str, width: int, height: int) -> None:
    short, long = sorted((width, height))
    if short < SMALLEST_SIDE:
        problem = f"it is {width}x{height} pixels, and {SMALLEST_SIDE} on each side are the least"
        raise InputError(subject, problem, "Give a larger one; a face should be a hundred pixels high or more")
    if long > LONGEST_ASPECT * short:
        problem = f"it is {width}x{height} pixels, one side more than {LONGEST_ASPECT} times the other"
        raise InputError(subject, problem, "Crop it to a squarer one")


def _explain(path: Path, error: Exception) -> tuple[str, str]:
    """What is wrong with a file that is no picture, and what to do."""
    with path.open("rb") as file:
        kind = _recognise(file)
    if kind is not None:
        return kind
    reason = " ".join(str(getattr(error, "strerror", None) or error or type(error).__name__).split())
    if _BROKEN_OFF in reason.lower():
        return f"it breaks off ({reason})", "Copy or export it again"
    return f"it cannot be read as a picture ({reason})", _REMEDY


def _recognise(file: IO[bytes]) -> tuple[str, str] | None:
    head = file.read(_HEAD_BYTES)
    if not head:
        return "it is empty", _REMEDY
    if head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS:
        return "it is a HEIC photo, which is not read here", "Export it as JPEG or PNG"
    if head[4:8] == b"ftyp" or head.startswith(b"\x1a\x45\xdf\xa3"):
        return "it is a video", "Give a still of it as PNG"
    if head.startswith(b"%PDF"):
        return "it is a PDF document", "Export the picture in it as PNG"
    if b"<svg" in head.lower():
        return "it is a drawing in SVG, which has no pixels", "Export it as PNG, 1024 pixels high or more"
    return None
