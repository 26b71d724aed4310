"""The videos of a page: tiles of as few mosaics as they fit into, within so many bytes."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from s2v_runner.comparison.cache import FORMAT, read_json, whole_file
from s2v_runner.comparison.reading import Footage
from s2v_runner.comparison.tiles import Layout, Tile, lay_out, tile_side
from s2v_runner.digests import digest_of
from s2v_runner.errors import InputError
from s2v_runner.tracking.record import write_atomically
from s2v_runner.video.mosaic import MosaicShape, MosaicTile, TooLargeError, write_mosaic
from s2v_runner.video.preview import Encoding

_PRESET, _AS_MANY_THREADS_AS_CORES = "veryfast", 0
_BEST_CRF, _WORST_CRF = 22, 46
_CRF_THAT_HALVES = 6
_SMALLER = 0.7
_SHORTEST_SIDE = 32
_PLAN_NAME = "mosaics.json"


@dataclass(frozen=True)
class Shown:
    """A video that is to be seen on the page."""

    number: int
    """Of its point."""
    footage: Footage
    proxy: Path


@dataclass(frozen=True, kw_only=True)
class Mosaic:
    """A mosaic that was made."""

    path: Path
    width: int
    height: int
    fps: Fraction
    frames: int


@dataclass(frozen=True)
class Mosaics:
    """All of a page."""

    mosaics: tuple[Mosaic, ...]
    tiles: Mapping[int, Tile]
    """By the numbers of the points."""


def make_mosaics(shown: Sequence[Shown], folder: Path, most_bytes: int, say: Callable[[str], None]) -> Mosaics:
    """Show every video at once, in at most so many bytes in all; what was made before of the same videos is taken.

    The files are put into `folder`. All mosaics last as long as the longest video, at the rate of the fastest. Raises
    OutputError, and InputError where so many videos of that length cannot be had in so few bytes.
    """
    if not shown:
        return Mosaics((), {})
    fps = max(video.footage.fps for video in shown)
    frames = max(math.ceil(video.footage.frames / video.footage.fps * fps) for video in shown)
    videos = [(video.number, video.footage.key, str(video.footage.fps)) for video in shown]
    key = digest_of({"format": FORMAT, "videos": videos, "bytes": most_bytes})
    before = read_json(folder / _PLAN_NAME)
    layout = _layout_of(before) if before.get("key") == key else None
    if layout is None or not all(path.is_file() for path in _paths(folder, key, layout)):
        say(f"putting {len(shown)} videos side by side")
        layout = _Maker(shown, folder, key, fps, frames).make(most_bytes)
        plan = {"key": key, "sizes": layout.sizes, "tiles": {n: asdict(tile) for n, tile in layout.tiles.items()}}
        write_atomically(folder / _PLAN_NAME, json.dumps(plan, indent=1))
    mosaics = tuple(
        Mosaic(path=path, width=width, height=height, fps=fps, frames=frames)
        for path, (width, height) in zip(_paths(folder, key, layout), layout.sizes, strict=True)
    )
    return Mosaics(mosaics, layout.tiles)


def names_of(mosaics: Mosaics) -> list[str]:
    """The names of the files that belong to these mosaics."""
    return [_PLAN_NAME, *(mosaic.path.name for mosaic in mosaics.mosaics)]


class _Maker:
    """Encodes again and again, until it is small enough."""

    def __init__(self, shown: Sequence[Shown], folder: Path, key: str, fps: Fraction, frames: int) -> None:
        self._shown = shown
        self._folder = folder
        self._key = key
        self._fps, self._frames = fps, frames

    def make(self, most_bytes: int) -> Layout:
        crf, side = _BEST_CRF, tile_side(len(self._shown))
        sizes = {video.number: (video.footage.width, video.footage.height) for video in self._shown}
        while side >= _SHORTEST_SIDE:
            layout = lay_out(sizes, side)
            excess = self._write(layout, crf, most_bytes)
            if excess <= 1:
                return layout
            if crf < _WORST_CRF:
                # One more, so that it is not missed by a hair.
                crf = min(_WORST_CRF, crf + math.ceil(_CRF_THAT_HALVES * math.log2(excess)) + 1)
            else:
                side = int(side * _SMALLER)
        raise InputError(
            f"{len(self._shown)} videos of {float(self._frames / self._fps):.0f} s",
            f"they cannot be seen in {most_bytes / 1e6:.0f} MB",
            "Compare fewer or shorter ones",
        )

    def _write(self, layout: Layout, crf: int, most_bytes: int) -> float:
        """How many times too large they are; where it is more than 1, not all of them are written."""
        total = 0
        for index, (path, (width, height)) in enumerate(
            zip(_paths(self._folder, self._key, layout), layout.sizes, strict=True)
        ):
            tiles = self._tiles(layout, index)
            share = most_bytes * len(tiles) // len(self._shown)
            shape = MosaicShape(width=width, height=height, fps=self._fps, frames=self._frames)
            encoding = Encoding(crf, _PRESET, _AS_MANY_THREADS_AS_CORES)
            try:
                with whole_file(path) as hidden:
                    total += write_mosaic(hidden, shape, tiles, encoding, share)
            except TooLargeError as error:
                return error.bytes / share
        return total / most_bytes

    def _tiles(self, layout: Layout, mosaic: int) -> list[MosaicTile]:
        tiles = [(video.proxy, layout.tiles[video.number]) for video in self._shown]
        return [
            MosaicTile(video=proxy, x=tile.x, y=tile.y, width=tile.width, height=tile.height)
            for proxy, tile in tiles
            if tile.mosaic == mosaic
        ]


def _paths(folder: Path, key: str, layout: Layout) -> list[Path]:
    return [folder / f"mosaic_{key[:16]}_{index}.mp4" for index in range(len(layout.sizes))]


def _layout_of(plan: dict) -> Layout | None:
    try:
        tiles = {int(number): Tile(**tile) for number, tile in plan["tiles"].items()}
        return Layout(tuple((width, height) for width, height in plan["sizes"]), tiles)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
