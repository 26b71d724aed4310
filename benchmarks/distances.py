"""How far one result is from another."""

import torch


def relative_distance(found: torch.Tensor, reference: torch.Tensor) -> float:
    """The L2 distance over the length of the reference; 0 where they are the same to the bit.

    Summed in float64 along the first axis, so that no whole video is widened at once.
    """
    pairs = zip(found, reference, strict=True)
    squares = [((one.double() - other.double()).square().sum(), other.double().square().sum()) for one, other in pairs]
    distance, length = (sum(float(square) for square in column) for column in zip(*squares, strict=True))
    return (distance / length) ** 0.5
