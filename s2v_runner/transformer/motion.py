"""The frames before the clip, packed more tightly the older they are.

Source: `FramePackMotioner` of the original (`wan/modules/s2v/motioner.py`), after FramePack (Zhang and Agrawala,
2025). Of the last 19 motion latents the newest keeps the resolution of the clip, the 2 before it share tokens
in pairs, the 16 before those in fours.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from s2v_runner.transformer.embeddings import PatchEmbedding


@dataclass(frozen=True)
class PackedPart:
    """One of the three zones of the past."""

    name: str
    frames: int
    patch: tuple[int, int, int]
    times: tuple[int, ...]
    """Where its tokens stand on the time axis; the clip begins at 0."""


PACKED_PARTS = (
    PackedPart("near", 1, (1, 2, 2), (-1,)),
    PackedPart("middle", 2, (2, 4, 4), (-3,)),
    PackedPart("far", 16, (4, 8, 8), (-19, -14, -9, -4)),
)
"""In the order of their tokens, newest first."""

PACKED_FRAMES = sum(part.frames for part in PACKED_PARTS)


class MotionPacker(nn.Module):
    def __init__(self, channels: int, model_dim: int) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {part.name: PatchEmbedding(channels, model_dim, part.patch) for part in PACKED_PARTS}
        )

    def forward(self, motion_BCMHW: torch.Tensor) -> torch.Tensor:
        """Motion latents, oldest first, any number of frames → tokens [B, packed, D], float32.

        Fewer than 19 frames are preceded by zeros; of more only the newest 19 are seen.
        """
        newest = motion_BCMHW[:, :, -PACKED_FRAMES:]
        padded = F.pad(newest, (0, 0, 0, 0, PACKED_FRAMES - newest.shape[2], 0))
        tokens = []
        end = PACKED_FRAMES
        for part in PACKED_PARTS:
            tokens.append(self.parts[part.name](padded[:, :, end - part.frames : end]))
            end -= part.frames
        return torch.cat(tokens, dim=1)
