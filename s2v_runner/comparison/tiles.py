"""Where the videos of a sweep lie in the mosaics."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

_SIDES = ((12, 448), (40, 288), (100, 208))
"""For up to so many videos the longer side of a tile, at most."""
_SIDE_OF_MANY = 160
_LONGEST_SIDE = 2048
"""Of a mosaic: what every decoder can do."""
_MOST_TILES = 256
"""Of a mosaic: each has its video open while it is made."""
_BLOCK = 16
"""Of H.264: what lies in one does not touch what lies in the next."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Where a video lies. The numbers but the first are pixels, and even."""

    mosaic: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """All mosaics."""

    sizes: tuple[tuple[int, int], ...]
    """Width and height of each."""
    tiles: Mapping[int, Tile]
    """By the numbers of the points."""


def tile_side(count: int) -> int:
    """How long the longer side of a tile is, at most, where there are so many."""
    return next((side for most, side in _SIDES if count <= most), _SIDE_OF_MANY)


def fit(width: int, height: int, side: int) -> tuple[int, int]:
    """The even size of this aspect with no side longer than `side`, which is even; never larger than it was."""
    scale = min(1.0, side / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def lay_out(videos: Mapping[int, tuple[int, int]], side: int) -> Layout:
    """Put videos of these widths and heights into as few mosaics as they fit into, in order, from left to right."""
    sizes = {number: fit(width, height, side) for number, (width, height) in videos.items()}
    # All cells are alike, or a video that changes its neighbours would move.
    width, height = (_to_blocks(max(size[axis] for size in sizes.values())) for axis in (0, 1))
    most = min(_MOST_TILES, (_LONGEST_SIDE // width) * (_LONGEST_SIDE // height))
    count = -(-len(sizes) // most)
    each = -(-len(sizes) // count)
    columns = _columns(each, width, height)
    rows = -(-each // columns)
    tiles = {}
    for place, (number, size) in enumerate(sizes.items()):
        row, column = divmod(place % each, columns)
        tiles[number] = Tile(mosaic=place // each, x=column * width, y=row * height, width=size[0], height=size[1])
    return Layout(((columns * width, rows * height),) * count, tiles)


def _columns(count: int, width: int, height: int) -> int:
    """So many that the mosaic is about square, within what fits on every side."""
    fewest = -(-count // (_LONGEST_SIDE // height))
    square = math.ceil(math.sqrt(count * height / width))
    return min(_LONGEST_SIDE // width, max(fewest, square, 1))


def _to_blocks(pixels: int) -> int:
    return -(-pixels // _BLOCK) * _BLOCK
