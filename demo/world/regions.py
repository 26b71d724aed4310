"""Where in the frames the mouth and the eyes are, which is where most of what a viewer looks at happens."""

import torch

from demo.world.geometry import eye_boxes, mouth_box
from demo.world.identity import Identities
from demo.world.performance import Performances


def mark_features(identities: Identities, performances: Performances, side: int) -> torch.Tensor:
    """Cells of a grid of side × side that the boxes around mouth and eyes touch, bool [B, V, side, side]."""
    device = performances.opening.device
    centres = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    half = 1.0 / side
    marked = torch.zeros((), dtype=torch.bool, device=device)
    for boxes_BV4 in (mouth_box(identities, performances), eye_boxes(identities, performances)):
        left, top, right, bottom = (edge[..., None] for edge in boxes_BV4.unbind(-1))
        columns_BVW = (centres > left - half) & (centres < right + half)
        rows_BVH = (centres > top - half) & (centres < bottom + half)
        marked = marked | (rows_BVH[..., :, None] & columns_BVW[..., None, :])
    return marked
