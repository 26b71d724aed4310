"""Rotary positions of the three kinds of token.

Source: `rope_precompute` and `FramePackMotioner` of the original. The pairs of a head are divided among time,
row and column; each axis has frequencies of its own, theta^(−j/n) for its n pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from s2v_runner.transformer.motion import PACKED_PARTS

THETA = 10000.0
REFERENCE_TIME = 30
"""The reference picture stands at a latent frame later than those of a clip of 80 frames."""


@dataclass(frozen=True)
class RotaryTable:
    """Cosine and sine of every token's angles, float32, with an axis of one for the heads."""

    cos_S1P: torch.Tensor
    sin_S1P: torch.Tensor

    def of(self, tokens: slice) -> "RotaryTable":
        """Of some of the tokens."""
        return RotaryTable(self.cos_S1P[tokens], self.sin_S1P[tokens])


def rotary_table(head_dim: int, grid: tuple[int, int, int], with_motion: bool, device: torch.device) -> RotaryTable:
    """Angles of the noisy tokens of `grid` (frames, rows, columns of tokens), the reference and the motion.

    Angles are formed in float64, because a row of 100 times a frequency of 1 loses its digits in float32
    before the cosine is taken; the table is rounded to float32 once.
    """
    frames, rows, columns = grid
    parts = [
        _grid_angles(head_dim, range(frames), range(rows), range(columns)),
        _grid_angles(head_dim, [REFERENCE_TIME], range(rows), range(columns)),
    ]
    if with_motion:
        for part in PACKED_PARTS:
            part_rows = _spread(rows, rows * 2 // part.patch[1])
            part_columns = _spread(columns, columns * 2 // part.patch[2])
            parts.append(_grid_angles(head_dim, part.times, part_rows, part_columns))
    angles_S1P = torch.cat(parts).unsqueeze(1)
    return RotaryTable(
        cos_S1P=angles_S1P.cos().float().to(device),
        sin_S1P=angles_S1P.sin().float().to(device),
    )


def rotate(heads_BSKE: torch.Tensor, table: RotaryTable) -> torch.Tensor:
    """Turn each adjacent pair of channels by its token's angle. Float32 in and out."""
    even_BSKP, odd_BSKP = heads_BSKE.unflatten(-1, (-1, 2)).unbind(-1)
    cos_S1P, sin_S1P = table.cos_S1P, table.sin_S1P
    turned = torch.stack((even_BSKP * cos_S1P - odd_BSKP * sin_S1P, even_BSKP * sin_S1P + odd_BSKP * cos_S1P), -1)
    return turned.flatten(-2)


def _grid_angles(head_dim: int, times: Sequence[int], rows: Sequence[int], columns: Sequence[int]) -> torch.Tensor:
    """Angles [tokens, P] in float64, tokens in the order time, row, column."""
    pairs = head_dim // 2
    space_pairs = pairs // 3
    axis_angles = [
        _axis_angles(times, pairs - 2 * space_pairs)[:, None, None, :],
        _axis_angles(rows, space_pairs)[None, :, None, :],
        _axis_angles(columns, space_pairs)[None, None, :, :],
    ]
    shape = (len(times), len(rows), len(columns), -1)
    return torch.cat([angles.expand(shape) for angles in axis_angles], dim=-1).flatten(0, 2)


def _axis_angles(positions: Sequence[int], pairs: int) -> torch.Tensor:
    frequencies = THETA ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    return torch.outer(torch.tensor(list(positions), dtype=torch.float64), frequencies)


def _spread(full: int, count: int) -> list[int]:
    """Whole positions of `count` packed tokens over `full` places, the first and the last included.

    One token stands at place 0. Source: `np.linspace(0, full − 1, count).astype(int)` in the original.
    """
    if count == 1:
        return [0]
    step = (full - 1) / (count - 1)
    return [full - 1 if index == count - 1 else int(index * step) for index in range(count)]
