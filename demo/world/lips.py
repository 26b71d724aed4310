"""The mouth: lips, what is seen between them, and a moustache above."""

from dataclasses import dataclass

import torch
from torch import Tensor

from demo.world.drawing import Canvas, above, oval
from demo.world.geometry import MOUTH_HEIGHT, Heads
from demo.world.identity import FACIAL_HAIR

_DARK, _TEETH, _TONGUE = (0.26, 0.05, 0.08), (0.98, 0.97, 0.94), (0.86, 0.38, 0.40)


@dataclass(frozen=True)
class _Mouth:
    """The mouth as seen by each column: numbers [N, 1, 1] and a line [N, 1, W] on the face."""

    across: Tensor  # [N, 1, W]
    middle: Tensor  # [N, 1, W]: the line that the mouth opens along
    half_width: Tensor
    half_height: Tensor
    lip: Tensor


def draw_mouth(canvas: Canvas, heads: Heads) -> None:
    """Draw the mouths as they are in each frame."""
    mouth, looks, acts, pixel = _shape(canvas, heads), heads.looks, heads.acts, canvas.pixel
    down = heads.down(canvas.y)
    distance = (down - mouth.middle).abs_()
    lips = _lens(mouth, mouth.half_width + 0.6 * mouth.lip, mouth.half_height + mouth.lip, distance, pixel)
    canvas.paint(looks.lip_colour, lips)
    inside = _lens(mouth, mouth.half_width, mouth.half_height, distance, pixel)
    canvas.paint(_colour(_DARK, looks.lip_colour), inside)
    tongue_height = (0.5 * mouth.half_height).clamp(min=0.01)
    tongue = oval(
        mouth.across,
        down - MOUTH_HEIGHT - 0.05 * acts.opening - 0.85 * mouth.half_height,
        0.62 * mouth.half_width,
        tongue_height,
        pixel,
    )
    canvas.paint(_colour(_TONGUE, looks.lip_colour), tongue.mul_(inside).mul_(_ramp(acts.opening, 0.2, 0.4)))
    shown = 0.045 * (1 - 0.75 * acts.rounding) * _ramp(acts.opening, 0.03, 0.13)
    teeth = above(mouth.middle - mouth.half_height + shown, down, pixel)
    canvas.paint(_colour(_TEETH, looks.lip_colour), teeth.mul_(inside).mul_(_ramp(shown, 0.0, 0.02)))
    _draw_moustache(canvas, heads, mouth, down)


def _shape(canvas: Canvas, heads: Heads) -> _Mouth:
    acts, looks = heads.acts, heads.looks
    width = (0.125 + 0.105 * acts.width + 0.035 * acts.smile) * (1 - 0.38 * acts.rounding) * looks.mouth_scale
    across = heads.across(canvas.x)
    bend = (0.060 * acts.smile + 0.020) * (1 - 0.5 * acts.rounding)
    share = (across / width).clamp(-1.3, 1.3).square()
    middle = MOUTH_HEIGHT + 0.05 * acts.opening + bend * (0.4 - share)
    return _Mouth(
        across=across,
        middle=middle,
        half_width=width,
        half_height=0.010 + 0.130 * acts.opening,
        lip=looks.lip_thickness * (1 + 0.45 * acts.rounding) * (1 - 0.25 * acts.smile),
    )


def _lens(mouth: _Mouth, width: Tensor, height: Tensor, distance: Tensor, pixel: float) -> Tensor:
    """How far an ellipse along the mouth's line covers each pixel, for distances from that line [N, H, W]."""
    share = (mouth.across / width).square()
    left = (1 - share).clamp(min=1e-4)
    half = height * left.sqrt()
    # Where the outline is steep, distances along the column are longer than those to the outline.
    slope = height / width * (share / left).sqrt()
    nearness = 1 / (pixel * (1 + slope.square()).sqrt())
    side = ((width - mouth.across.abs()) / pixel + 0.5).clamp(0, 1)
    edge = half * nearness + 0.5 - 10 * (1 - side)
    return (edge - distance * nearness).clamp_(0, 1)


def _draw_moustache(canvas: Canvas, heads: Heads, mouth: _Mouth, down: Tensor) -> None:
    looks = heads.looks
    share = (mouth.across / 0.20).square().clamp(max=1)
    top = mouth.middle - mouth.half_height - mouth.lip - 0.022 + 0.05 * share
    thickness = 0.034 * (1 - share) * (0.6 + 2.4 * share.sqrt() * (1 - share.sqrt()))
    has = (looks.facial_hair == FACIAL_HAIR.index("moustache")).float()
    cover = (thickness / canvas.pixel + 0.5 * (share < 1) - (down - top).abs_() / canvas.pixel).clamp_(0, 1)
    canvas.paint(looks.hair_colour, cover.mul_(has))


def _ramp(value: Tensor, low: float, high: float) -> Tensor:
    return ((value - low) / (high - low)).clamp(0, 1)


def _colour(colour: tuple[float, float, float], like: Tensor) -> Tensor:
    """One colour for all of them [N, 3]."""
    return torch.tensor(colour, device=like.device).expand_as(like)
