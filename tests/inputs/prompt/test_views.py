import base64
import io

import pytest
from PIL import Image

from s2v_runner.inputs.prompt.views import as_data_url, shrink_picture


@pytest.mark.parametrize(
    ("size", "shown"),
    [((64, 48), (64, 48)), ((1024, 1024), (1024, 1024)), ((4096, 2048), (1024, 512)), ((10, 4000), (3, 1024))],
)
def test_a_picture_is_made_smaller_and_never_larger(size: tuple[int, int], shown: tuple[int, int]):
    assert shrink_picture(Image.new("RGB", size)).size == shown


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1"])
def test_any_kind_of_picture_is_shown_in_colour_and_left_as_it_was(mode: str):
    picture = Image.new(mode, (2000, 1000))
    shown = as_data_url(picture)
    assert (picture.mode, picture.size) == (mode, (2000, 1000))
    kind, _, content = shown.partition(",")
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        assert kind == "data:image/jpeg;base64"
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (1024, 512))


def test_the_same_picture_is_the_same_address():
    assert as_data_url(Image.new("RGB", (64, 64), "red")) == as_data_url(Image.new("RGB", (64, 64), "red"))
