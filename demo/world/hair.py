"""Hair: behind the head, on it, and on the chin."""

import torch
from torch import Tensor

from demo.world.drawing import Canvas, cover_oval, oval
from demo.world.geometry import Heads
from demo.world.identity import FACIAL_HAIR, HAIR_STYLES

# Behind the head, by style: half width and half height in those of the head, how far the middle lies below the
# head's, how square it is, how much it curls, and how far it swings the other way when the head turns.
_BEHIND = {
    "bald": (0.50, 0.50, 0.00, 2.0, 0.00, 0.00),
    "short": (1.05, 0.80, -0.14, 2.4, 0.00, 0.00),
    "long": (1.20, 1.30, 0.16, 3.2, 0.00, 0.10),
    "bun": (0.42, 0.27, -0.67, 2.0, 0.00, 0.18),
    "curly": (1.30, 0.98, -0.18, 2.2, 0.11, 0.04),
    "bob": (1.22, 1.00, -0.02, 3.0, 0.00, 0.06),
    "quiff": (0.70, 0.36, -0.47, 2.2, 0.00, -0.12),
}
# On the head, by style: whether there is any, half the width of the face left free in head widths, how far down the
# sides it reaches, how much it curls.
_FRONT = {
    "bald": (0.0, 0.90, 0.00, 0.00),
    "short": (1.0, 0.92, 0.02, 0.00),
    "long": (1.0, 0.84, 0.60, 0.00),
    "bun": (1.0, 0.90, 0.02, 0.00),
    "curly": (1.0, 0.92, -0.05, 0.10),
    "bob": (1.0, 0.82, 0.40, 0.00),
    "quiff": (1.0, 0.93, -0.05, 0.00),
}
_SHADE = 0.78


def draw_back_hair(canvas: Canvas, heads: Heads, shoulders: Tensor) -> None:
    """Draw what hangs behind the neck and the shoulders, which cover it [N, H, W]."""
    looks = heads.looks
    width, height, below, square, curl, swing = _by_style(_BEHIND, looks.hair_style)
    width, height = width * looks.face_width, height * looks.face_height
    across = ((canvas.x - heads.x + swing * heads.turn.sin()) / width).abs() ** square
    down = ((canvas.y - heads.y - below - 0.1 * heads.tilt) / height).abs() ** square
    cover = cover_oval(across, down + _curls(canvas, heads, curl), width, height, canvas.pixel)
    bald = (looks.hair_style != HAIR_STYLES.index("bald")).float()
    canvas.paint(_SHADE * looks.hair_colour, cover.mul_((1 - shoulders).mul_(bald)))


def draw_front_hair(canvas: Canvas, heads: Heads, head: Tensor) -> None:
    """Draw what lies on the head, which covers each pixel so far [N, H, W], around the face."""
    looks, pixel = heads.looks, canvas.pixel
    has, share, reach, curl = _by_style(_FRONT, looks.hair_style)
    across, down = heads.across(canvas.x), heads.down(canvas.y)
    width, height = 1.07 * looks.face_width, 1.07 * looks.face_height
    outer = cover_oval(
        ((canvas.x - heads.x) / width).square(),
        ((canvas.y - heads.y) / height).square() + _curls(canvas, heads, curl),
        width,
        height,
        pixel,
    )
    # The face stays free below the hairline, which parts at one side.
    middle, free_width, free_height = 0.25, share * looks.face_width, 0.25 - looks.hairline
    face_across = ((across - 0.05 * looks.parting) / free_width).abs() ** 2.6
    face_down = ((down - middle).clamp(max=0) / free_height).abs() ** 2.6
    face = cover_oval(face_across, face_down, free_width, free_height, pixel)
    # What looks out behind the temples is hair as well, but not what is under the chin.
    free = torch.maximum(head, (down / 0.1).clamp(0, 1))
    ends = ((reach - down) / (2 * pixel) + 0.5).clamp(0, 1) * has
    canvas.paint(looks.hair_colour, outer.mul_(1 - face.mul_(free)).mul_(ends))


def draw_beard(canvas: Canvas, heads: Heads, head: Tensor) -> None:
    """Draw a beard or a goatee within the head, which covers each pixel so far [N, H, W]."""
    looks = heads.looks
    kind = looks.facial_hair
    goatee = kind == FACIAL_HAIR.index("goatee")
    has = goatee | (kind == FACIAL_HAIR.index("beard"))
    # A beard leaves the cheeks free; a goatee is an island on the chin.
    middle = torch.where(goatee, 0.46, 0.0) + 0.05 * heads.acts.opening
    width = torch.where(goatee, 0.12, 0.80 * looks.face_width)
    height = torch.where(goatee, 0.10, 0.235)
    island = oval(heads.across(canvas.x), heads.down(canvas.y) - middle, width, height, canvas.pixel)
    sign = torch.where(goatee, 1.0, -1.0)
    rows = ((heads.down(canvas.y) + 0.02) / (2 * canvas.pixel) + 0.5).clamp(0, 1) * has
    cover = island.mul_(sign).add_(0.5 - 0.5 * sign).mul_(head).mul_(rows)
    canvas.paint(0.92 * looks.hair_colour, cover)


def _curls(canvas: Canvas, heads: Heads, curl: Tensor) -> Tensor:
    """Bumps of an outline [N, H, W] that move with the head."""
    return (curl * (32 * (canvas.x - heads.x)).cos()) * (32 * (canvas.y - heads.y)).cos()


def _by_style(table: dict[str, tuple[float, ...]], style: Tensor) -> list[Tensor]:
    """Each column of a table for the styles [N, 1, 1] of N heads."""
    values = torch.tensor([table[name] for name in HAIR_STYLES], device=style.device)
    return list(values[style].unbind(-1))
