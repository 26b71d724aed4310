"""Pictures of talking heads, many at once."""

import torch
from torch import Tensor

from demo.world.drawing import Canvas
from demo.world.face import draw_features, draw_glasses, draw_neck, draw_skin
from demo.world.geometry import Heads, pose_heads
from demo.world.hair import draw_back_hair, draw_beard, draw_front_hair
from demo.world.identity import Identities
from demo.world.lips import draw_mouth
from demo.world.performance import Performances
from demo.world.scenery import draw_scenery

# How many pixels are drawn at once: enough to keep a GPU busy, little enough to stay in a processor's cache.
_PIXELS_AT_ONCE = {"cuda": 2**25, "cpu": 2**18}

# All that can ever be seen of a part, wherever the head is: left, top, right, bottom.
_FACE = (-0.70, -0.95, 0.70, 0.72)
_EYES = (-0.66, -0.70, 0.66, 0.48)
_MOUTH = (-0.66, -0.30, 0.66, 0.72)


@torch.no_grad()
def render(identities: Identities, performances: Performances, size: int) -> Tensor:
    """Videos of B heads in V frames of size × size [B, 3, V, H, W], float32 from -1 to 1, on the inputs' device.

    `identities` hold B people, `performances` [B, V]. Beside the result, memory does not grow with B and V.
    """
    takes, frames = performances.yaw.shape
    device = performances.yaw.device
    video = torch.empty(takes, 3, frames, size, size, device=device)
    at_once = max(1, _PIXELS_AT_ONCE[device.type] // size**2)
    takes_at_once, frames_at_once = max(1, at_once // frames), min(frames, at_once)
    for take in range(0, takes, takes_at_once):
        some = slice(take, take + takes_at_once)
        people, acts = identities.select(some), performances.select(some)
        ground, shoulders = _draw_ground(people, size)
        for frame in range(0, frames, frames_at_once):
            moments = acts.window(frame, frame + frames_at_once)
            count = moments.yaw.shape[1]
            heads = pose_heads(people, moments)
            pictures = _draw_heads(heads, ground, shoulders.repeat_interleave(count, 0), count)
            pictures = pictures.view(len(people), count, 3, size, size).transpose(1, 2)
            video[some, :, frame : frame + count] = pictures.mul_(2).sub_(1)
    return video


def _draw_ground(people: Identities, size: int) -> tuple[Tensor, Tensor]:
    """What does not move in a take [B, 3, H, W], and how far the shoulders cover it [B, H, W]."""
    canvas = Canvas.over(torch.empty(len(people), 3, size, size, device=people.skin_colour.device))
    looks = people.map(lambda value: value[:, None, None] if value.ndim == 1 else value)
    shoulders = draw_scenery(canvas, looks)
    return canvas.colours, shoulders


def _draw_heads(heads: Heads, ground: Tensor, shoulders: Tensor, frames: int) -> Tensor:
    """Pictures [N, 3, H, W] from 0 to 1 of heads before the grounds of their takes."""
    canvas = Canvas.over(ground.repeat_interleave(frames, 0))
    draw_back_hair(canvas, heads, shoulders)
    face = canvas.within(*_FACE)
    draw_neck(face, heads)
    head = draw_skin(face, heads)
    draw_features(canvas.within(*_EYES), heads)
    draw_beard(face, heads, head)
    draw_mouth(canvas.within(*_MOUTH), heads)
    draw_front_hair(face, heads, head)
    draw_glasses(canvas.within(*_EYES), heads)
    return canvas.colours
