"""What does not move in a take: the wall, and the shoulders with their shirt."""

import torch
from torch import Tensor

from demo.world.drawing import Canvas, above, cover_oval, oval
from demo.world.identity import SHIRTS, WALLS, Identities

NECK_WIDTH = 0.15
COLLARBONE = 0.60  # how high the neck ends
# How much darker skin is in the head's shadow.
SHADE = 0.86


def draw_scenery(canvas: Canvas, looks: Identities) -> Tensor:
    """Draw a wall and shoulders for each of N people (numbers [N, 1, 1], colours [N, 3]).

    Returns how far the shoulders cover each pixel [N, H, W]: hair may hang behind them.
    """
    _draw_wall(canvas, looks)
    return _draw_shoulders(canvas, looks)


def _draw_wall(canvas: Canvas, looks: Identities) -> None:
    x, y, pixel = canvas.x, canvas.y, canvas.pixel
    canvas.colours.copy_(looks.wall_colour[:, :, None, None].expand_as(canvas.colours))
    white = torch.ones_like(looks.wall_colour)

    def is_kind(name: str) -> Tensor:
        return looks.wall == WALLS.index(name)

    light = (0.35 - 0.25 * (x + y)).clamp(0, 0.7)
    canvas.paint(white, light * is_kind("gradient"))
    canvas.paint(looks.second_wall_colour, above(y, torch.full_like(y, 0.15), pixel) * is_kind("two-tone"))
    bars = ((((x * 2.5) % 1) - 0.5).abs() - 0.25) / (2.5 * pixel) + 0.5
    canvas.paint(torch.lerp(looks.wall_colour, white, 0.45), bars.clamp(0, 1) * is_kind("stripes"))
    frame, glass = _box(canvas, 0.27, 0.47), _box(canvas, 0.22, 0.42)
    canvas.paint(white * 0.98, frame * is_kind("window"))
    sky = torch.tensor([0.50, 0.76, 0.96], device=x.device).expand_as(white)
    cross = ((x + 0.66).abs() > 0.02) & ((y + 0.42).abs() > 0.02)
    canvas.paint(sky, glass * cross * is_kind("window"))


def _box(canvas: Canvas, width: float, height: float) -> Tensor:
    """An upright box at the upper left."""
    columns = (width - (canvas.x + 0.66).abs()) / canvas.pixel + 0.5
    rows = (height - (canvas.y + 0.42).abs()) / canvas.pixel + 0.5
    return columns.clamp(0, 1) * rows.clamp(0, 1)


def _draw_shoulders(canvas: Canvas, looks: Identities) -> Tensor:
    x, y, pixel = canvas.x, canvas.y, canvas.pixel
    width, height = looks.shoulder_width, 0.62
    cover = cover_oval((x / width).abs() ** 2.6, (y - 1.22).div(height).abs() ** 2.2, width, height, 2 * pixel)
    canvas.paint(looks.shirt_colour, cover)
    stripes = (((y * 5.5) % 1 - 0.5).abs() - 0.25) / (5.5 * pixel) + 0.5
    striped = looks.shirt == SHIRTS.index("striped")
    canvas.paint(looks.second_shirt_colour, cover * stripes.clamp(0, 1) * striped)
    collar = (looks.shirt == SHIRTS.index("collar")).float()
    # A round neckline, or one that runs to a point between the two wings of a collar.
    cut = 0.7 * (0.84 - y)
    wings = ((cut + 0.13 - x.abs()) / pixel + 0.5).clamp(0, 1) * above(0.84 - 0.25 * x.abs(), y, pixel) * cover
    canvas.paint(looks.second_shirt_colour, wings * collar)
    pointed = ((cut - x.abs()) / pixel + 0.5).clamp(0, 1)
    neckline = torch.lerp(oval(x, y - COLLARBONE, 0.20, 0.13, pixel), pointed, collar) * cover
    canvas.paint(SHADE * looks.skin_colour, neckline)
    return cover
