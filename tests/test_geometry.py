import pytest

from s2v_runner.geometry import place

FRAME = (64, 128)


@pytest.mark.parametrize(
    ("fit", "height", "width", "scale", "words"),
    [
        ("cover", 64, 128, 1.0, ""),
        ("cover", 128, 128, 1.0, "64 rows cut"),
        ("cover", 32, 128, 2.0, "128 columns cut"),
        ("cover", 640, 1280, 0.1, ""),
        ("pad", 128, 128, 0.5, "64 columns of border"),
        ("pad", 16, 128, 1.0, "48 rows of border"),
        ("reference", 32, 32, 2.0, "64 columns of border"),
        ("reference", 64, 256, 1.0, "128 columns cut"),
        ("reference", 256, 64, 1.0, "192 rows cut, 64 columns of border"),
    ],
)
def test_a_picture_is_laid_into_the_middle(fit: str, height: int, width: int, scale: float, words: str):
    placed = place(height, width, *FRAME, fit)
    assert placed.scale == pytest.approx(scale)
    assert placed.words == words


@pytest.mark.parametrize("fit", ["cover", "pad", "reference"])
@pytest.mark.parametrize("height", [17, 40, 63, 64, 65, 500, 1001])
@pytest.mark.parametrize("width", [17, 40, 127, 128, 129, 500, 1001])
def test_what_is_placed_fills_the_frame(fit: str, height: int, width: int):
    placed = place(height, width, *FRAME, fit)
    for length, padding, begin, side in (
        (placed.rows, placed.row_padding, placed.top, FRAME[0]),
        (placed.columns, placed.column_padding, placed.left, FRAME[1]),
    ):
        assert begin >= 0
        assert sum(padding) + length - begin >= side
        assert padding[1] - padding[0] in (0, 1)
        assert not (sum(padding) and begin)
    if fit == "cover":
        assert not sum(placed.row_padding) + sum(placed.column_padding)
    if fit == "pad":
        assert placed.cut_share == 0
        assert placed.rows == FRAME[0] or placed.columns == FRAME[1]


def test_what_is_not_seen_is_a_share_of_the_picture():
    assert place(128, 128, *FRAME, "cover").cut_share == pytest.approx(0.5)
    assert place(64, 128, *FRAME, "cover").cut_share == 0
