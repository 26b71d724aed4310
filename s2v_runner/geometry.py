"""Fitting a rectangle into another: covering it, being seen whole in it, and as the original does it.

The original uses torchvision's `Resize` and `CenterCrop`, which `short_side_size`, `centre_padding` and `centre_offset`
follow to the pixel.
"""


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
