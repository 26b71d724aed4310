"""The picture as a model is shown it."""

import base64
import io

from PIL import Image

_LONGEST_SIDE = 1024
"""Pixels. A face is told well enough, and the request stays below half a megabyte."""
_QUALITY = 90


def shrink_picture(picture: Image.Image) -> Image.Image:
    """RGB, no side longer than 1024 pixels, and never enlarged."""
    shrunk = picture.convert("RGB")
    shrunk.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
    return shrunk


def as_data_url(picture: Image.Image) -> str:
    """The picture itself, as an address: base64 of a JPEG."""
    content = io.BytesIO()
    shrink_picture(picture).save(content, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
