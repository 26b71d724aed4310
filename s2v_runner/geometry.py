"""Fitting a rectangle into another, as torchvision's `Resize` and `CenterCrop` do, which the original uses."""


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
