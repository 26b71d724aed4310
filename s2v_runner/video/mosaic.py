"""Many videos in one, side by side: they play in step, whatever plays them."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from s2v_runner.video.preview import PIXEL_FORMAT, Encoding, PictureScaler, PreviewWriter
from s2v_runner.video.reading import open_video

# Black in the range of television.
_LUMA, _CHROMA = 16, 128


@dataclass(frozen=True, kw_only=True)
class MosaicTile:
    """Where a video lies. All four numbers are even."""

    video: Path
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class MosaicShape:
    """What a mosaic is apart from its tiles. Width and height are even."""

    width: int
    height: int
    fps: Fraction
    frames: int


class TooLargeError(Exception):
    """A mosaic is larger than it may be."""

    def __init__(self, size: int) -> None:
        self.bytes = size
        """What there would have been, as far as one can tell from the part that was made."""
        super().__init__(f"it would have {size} bytes")


def write_mosaic(
    path: Path, shape: MosaicShape, tiles: Sequence[MosaicTile], encoding: Encoding, most_bytes: int
) -> int:
    """Write a mosaic; its bytes.

    At each moment a tile shows the frame that its video shows then, and its last one once it has ended. Raises
    TooLargeError as soon as there are more than `most_bytes`, OutputError, InputError for a video that cannot be read.
    """
    writer = PreviewWriter(path=path, width=shape.width, height=shape.height, fps=shape.fps, encoding=encoding)
    canvas = _Canvas(shape)
    try:
        with ExitStack() as stack:
            shown = [stack.enter_context(closing(_pictures(tile, shape))) for tile in tiles]
            for index in range(shape.frames):
                for tile, pictures in zip(tiles, shown, strict=True):
                    picture = next(pictures)
                    if picture is not None:
                        canvas.paste(picture, tile.x, tile.y)
                writer.write(canvas.picture())
                if writer.bytes > most_bytes:
                    raise TooLargeError(writer.bytes * shape.frames // (index + 1))
        writer.close()
    except BaseException:
        writer.discard()
        raise
    size = path.stat().st_size
    if size > most_bytes:
        path.unlink()
        raise TooLargeError(size)
    return size


class _Canvas:
    """The picture that is pasted together."""

    def __init__(self, shape: MosaicShape) -> None:
        self._pixels = np.full((shape.height * 3 // 2, shape.width), _CHROMA, np.uint8)
        self._planes = _planes_of(self._pixels)
        self._planes[0][:] = _LUMA

    def paste(self, picture: VideoFrame, x: int, y: int) -> None:
        for plane, pixels in zip(self._planes, _planes_of(picture.to_ndarray()), strict=True):
            coarser = self._pixels.shape[1] // plane.shape[1]
            left, top = x // coarser, y // coarser
            plane[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels

    def picture(self) -> VideoFrame:
        return VideoFrame.from_ndarray(self._pixels, format=PIXEL_FORMAT)


def _planes_of(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Views of luma and both chromas of a planar picture, which has one below the other."""
    height, width = pixels.shape[0] * 2 // 3, pixels.shape[1]
    blue, red = pixels[height:].reshape(2, height // 2, width // 2)
    return pixels[:height], blue, red


def _pictures(tile: MosaicTile, shape: MosaicShape) -> Generator[VideoFrame | None, None, None]:
    """For each frame of the mosaic what is new in a tile; None where nothing is."""
    scaled = PictureScaler(tile.width, tile.height)
    with open_video(tile.video) as reader:
        ratio = reader.facts.fps / shape.fps
        assert ratio <= 1, "a mosaic is as fast as the fastest of its videos"
        frames, taken = iter(reader), 0
        for index in range(shape.frames):
            frame = None
            if taken <= int(index * ratio):
                frame, taken = next(frames, None), taken + 1
            yield None if frame is None else scaled(frame.picture)
