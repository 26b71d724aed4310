"""Videos of people that the stand-ins for models see: a blue body with a red and a green joint."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

HEIGHT, WIDTH = 192, 256
BODY = 32
_SPREAD = 3.0


@dataclass(frozen=True)
class Person:
    """Columns and rows in the picture."""

    body: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    certainty: float = 1.0

    def moved(self, right: float, down: float = 0.0) -> "Person":
        body, red, green = ((column + right, row + down) for column, row in (self.body, self.red, self.green))
        return Person(body, red, green, self.certainty)


SOMEBODY = Person(body=(112, 80), red=(100, 60), green=(125, 110))


def draw_people(people: Sequence[Person], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A picture [rows, columns, 3], 8 bits."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.zeros((height, width, 3))
    for person in people:
        for channel, place in ((0, person.red), (1, person.green)):
            away = (columns - place[0]) ** 2 + (rows - place[1]) ** 2
            picture[..., channel] = np.maximum(picture[..., channel], 230 * np.exp(-away / 2 / _SPREAD**2))
        body = (abs(columns - person.body[0]) <= BODY / 2) & (abs(rows - person.body[1]) <= BODY / 2)
        picture[..., 2] = np.maximum(picture[..., 2], 255 * person.certainty * body)
    return picture.round().astype(np.uint8)


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[float] | None = None,
    rate: int = 25,
    aspect: Fraction | None = None,
) -> Path:
    """A lossless video of these pictures, shown at these times, in whole milliseconds, or at the rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=rate, options={"qp": "0", "threads": "1", "bf": "0"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "rgb24"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = round(1000 * (times[index] if times is not None else index / rate))
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Have an MP4 file say that it is to be turned and mirrored, as phones do."""
    content = bytearray(path.read_bytes())
    begin = content.index(b"tkhd") + 4
    # After version and flags come times and the like, twice as long in version 1, then 16 bytes of other things.
    place = begin + 4 + (32 if content[begin] == 1 else 20) + 16
    across, down_for_column, across_for_row, down = (value << 16 for value in matrix)
    content[place : place + 36] = struct.pack(">9i", across, down_for_column, 0, across_for_row, down, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path
