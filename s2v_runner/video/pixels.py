"""Video in −1 … 1 → 8 bits."""

import numpy as np
import torch

from s2v_runner.records import Compat


def to_eight_bit(video_BCVHW: torch.Tensor, compat: Compat) -> np.ndarray:
    """One video's frames as [frames, rows, columns, 3], 0 … 255, rounded or, as the original does, cut off."""
    scaled = (video_BCVHW[0].float().clamp(-1, 1) + 1) * 127.5
    whole = scaled.round() if compat.eight_bit == "rounded" else scaled.floor()
    return whole.to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()
