import pytest

from s2v_runner.comparison.tiles import Layout, fit, lay_out, tile_side


def check_apart(layout: Layout) -> None:
    """No two tiles overlap or leave their mosaic, and no macroblock has two of them."""
    taken: set[tuple[int, int, int]] = set()
    for tile in layout.tiles.values():
        width, height = layout.sizes[tile.mosaic]
        assert tile.x + tile.width <= width <= 2048
        assert tile.y + tile.height <= height <= 2048
        assert tile.x % 2 == tile.y % 2 == tile.width % 2 == tile.height % 2 == 0
        blocks = {
            (tile.mosaic, x // 16, y // 16)
            for x in range(tile.x, tile.x + tile.width)
            for y in (*range(tile.y, tile.y + tile.height, 16), tile.y + tile.height - 1)
        }
        assert not blocks & taken
        taken |= blocks


@pytest.mark.parametrize(
    ("count", "side"), [(1, 448), (12, 448), (13, 288), (40, 288), (41, 208), (100, 208), (101, 160), (1000, 160)]
)
def test_many_videos_have_smaller_tiles(count: int, side: int):
    assert tile_side(count) == side


@pytest.mark.parametrize(
    ("size", "side", "fitted"),
    [
        ((1024, 704), 448, (448, 308)),
        ((704, 1024), 160, (110, 160)),
        ((128, 128), 448, (128, 128)),
        ((2000, 2), 160, (160, 2)),
        ((33, 65), 448, (32, 64)),
    ],
)
def test_videos_are_made_smaller_and_never_larger(size: tuple[int, int], side: int, fitted: tuple[int, int]):
    assert fit(*size, side) == fitted


@pytest.mark.parametrize("count", [1, 2, 6, 7, 40, 200])
def test_one_mosaic_is_enough_for_a_sweep(count: int):
    layout = lay_out(dict.fromkeys(range(1, count + 1), (1024, 704)), tile_side(count))
    assert len(layout.sizes) == 1
    assert list(layout.tiles) == list(range(1, count + 1))
    check_apart(layout)


def test_a_mosaic_is_about_square_and_filled_row_by_row():
    layout = lay_out(dict.fromkeys(range(6), (128, 128)), 448)
    assert layout.sizes == ((384, 256),)
    assert [(tile.x, tile.y) for tile in layout.tiles.values()] == [(x, y) for y in (0, 128) for x in (0, 128, 256)]


def test_more_than_fit_into_one_are_spread_evenly():
    layout = lay_out(dict.fromkeys(range(500), (1024, 704)), 160)
    assert len(layout.sizes) == 3
    assert {sum(tile.mosaic == index for tile in layout.tiles.values()) for index in range(3)} == {167, 166}
    check_apart(layout)


def test_videos_of_several_sizes_keep_theirs_in_a_grid():
    layout = lay_out({1: (1024, 704), 2: (704, 1024), 3: (128, 64)}, 448)
    assert [(tile.width, tile.height) for tile in layout.tiles.values()] == [(448, 308), (308, 448), (128, 64)]
    assert {(tile.x % 448, tile.y % 448) for tile in layout.tiles.values()} == {(0, 0)}
    check_apart(layout)


def test_a_mosaic_does_not_open_too_many_files():
    layout = lay_out(dict.fromkeys(range(600), (64, 48)), 160)
    assert len(layout.sizes) == 3
    check_apart(layout)
