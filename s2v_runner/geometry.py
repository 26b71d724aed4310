"""Fitting a rectangle into another: covering it, being seen whole in it, and as the original does it.

The original uses torchvision's `Resize` and `CenterCrop`, which `short_side_size`, `centre_padding` and `centre_offset`
follow to the pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Placement:
    """A picture, scaled and laid into the middle of a frame: bordered where it does not reach, cut where it is over."""

    rows: int
    columns: int
    """Of the picture, once it is scaled."""
    height: int
    width: int
    """Of the frame."""
    scale: float
    """By which the picture's rows and columns were multiplied."""
    top: int
    left: int
    """Rows and columns of the scaled and bordered picture before the frame begins."""

    @property
    def row_padding(self) -> tuple[int, int]:
        """Rows that are added above and below."""
        return centre_padding(self.rows, self.height)

    @property
    def column_padding(self) -> tuple[int, int]:
        """Columns that are added on the left and on the right."""
        return centre_padding(self.columns, self.width)

    @property
    def cut_rows(self) -> int:
        return max(0, self.rows - self.height)

    @property
    def cut_columns(self) -> int:
        return max(0, self.columns - self.width)

    @property
    def cut_share(self) -> float:
        """How much of the picture is not seen."""
        seen = min(self.rows, self.height) * min(self.columns, self.width)
        return 1 - seen / (self.rows * self.columns)

    @property
    def words(self) -> str:
        """What is cut and what is bordered, such as `16 rows cut`; empty where nothing is."""
        counts = {
            "rows cut": self.cut_rows,
            "columns cut": self.cut_columns,
            "rows of border": sum(self.row_padding),
            "columns of border": sum(self.column_padding),
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def place(height: int, width: int, frame_height: int, frame_width: int, fit: str) -> Placement:
    """Lay a picture into a frame. `fit` is `cover`, `reference` or `pad` (`Compat.picture_fit`)."""
    rows, columns = _SIZES[fit](height, width, frame_height, frame_width)
    offset = _OFFSETS[fit]
    return Placement(
        rows=rows,
        columns=columns,
        height=frame_height,
        width=frame_width,
        scale=rows / height if height <= width else columns / width,
        top=offset(rows, frame_height),
        left=offset(columns, frame_width),
    )


def covering_size(height: int, width: int, frame_height: int, frame_width: int) -> tuple[int, int]:
    """Height and width once it is scaled until both sides reach those of the frame."""
    scale = max(frame_height / height, frame_width / width)
    return max(frame_height, round(height * scale)), max(frame_width, round(width * scale))


def contained_size(height: int, width: int, frame_height: int, frame_width: int) -> tuple[int, int]:
    """Height and width once it is scaled as large as it can be with nothing beyond the frame."""
    scale = min(frame_height / height, frame_width / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    return min(frame_height, rows), min(frame_width, columns)


def short_side_size(height: int, width: int, short: int) -> tuple[int, int]:
    """Height and width when the shorter of them becomes `short`."""
    long = int(short * max(height, width) / min(height, width))
    return (short, long) if height <= width else (long, short)


def centre_padding(length: int, wanted: int) -> tuple[int, int]:
    """What to add before and after; the odd one comes after."""
    missing = max(0, wanted - length)
    return missing // 2, missing - missing // 2


def centre_offset(length: int, wanted: int) -> int:
    """Where a centred crop begins; halves go to the even number."""
    return round(max(0, length - wanted) / 2)


def _floored_offset(length: int, wanted: int) -> int:
    return max(0, length - wanted) // 2


def _original_size(height: int, width: int, frame_height: int, frame_width: int) -> tuple[int, int]:
    return short_side_size(height, width, min(frame_height, frame_width))


_SIZES: dict[str, Callable[[int, int, int, int], tuple[int, int]]] = {
    "cover": covering_size,
    "reference": _original_size,
    "pad": contained_size,
}
_OFFSETS: dict[str, Callable[[int, int], int]] = {
    "cover": _floored_offset,
    "reference": centre_offset,
    "pad": _floored_offset,
}
