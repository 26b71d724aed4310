"""The face: skin, ears, cheeks, nose, eyes, brows and glasses."""

import torch
from torch import Tensor

from demo.world.drawing import Canvas, band, cover_oval, oval
from demo.world.geometry import EYE_HEIGHT, Heads
from demo.world.identity import GLASSES, HAIR_STYLES
from demo.world.scenery import COLLARBONE, NECK_WIDTH, SHADE

_EAR_ANGLE, _EAR_HEIGHT = 1.70, 0.02
_LENS_SIZE = 0.118


def draw_neck(canvas: Canvas, heads: Heads) -> None:
    """Draw necks from the shoulders to the heads."""
    looks = heads.looks
    top = heads.y + 0.25
    share = ((canvas.y - top) / (COLLARBONE - top)).clamp(0, 1)
    middle = heads.x * (1 - share)
    rows = ((COLLARBONE + 0.03 - canvas.y) / canvas.pixel + 0.5).clamp(0, 1) * (canvas.y > top)
    cover = (NECK_WIDTH / canvas.pixel + 0.5 - (canvas.x - middle).abs_().mul_(1 / canvas.pixel)).clamp_(0, 1)
    canvas.paint(SHADE * looks.skin_colour, cover.mul_(rows))


def draw_skin(canvas: Canvas, heads: Heads) -> Tensor:
    """Draw heads with rosy cheeks and ears; returns how far the heads cover each pixel [N, H, W]."""
    looks, pixel = heads.looks, canvas.pixel
    x, y = canvas.x - heads.x, canvas.y - heads.y
    lower = looks.face_height + 0.055 * heads.acts.opening
    power = torch.where(y > 0, 1.9 + 0.8 * looks.jaw, 2.0)
    down = (y.abs() / torch.where(y > 0, lower, looks.face_height)) ** power
    head = cover_oval((x / looks.face_width).square(), down, looks.face_width, looks.face_height, pixel)
    canvas.paint(looks.skin_colour, head)
    # The side that the head turns to gets less light.
    side = (0.55 * (heads.across(canvas.x) / looks.face_width).abs() ** 4).clamp(max=0.5)
    canvas.paint(SHADE * looks.skin_colour, head * side)
    _draw_cheeks(canvas, heads, head)
    _draw_ears(canvas, heads, head)
    return head


def _draw_ears(canvas: Canvas, heads: Heads, head: Tensor) -> None:
    looks, pixel = heads.looks, canvas.pixel
    x, y = canvas.x - heads.x, canvas.y - heads.y
    angle = _EAR_ANGLE * x.sign() + heads.turn
    across = x - 1.04 * looks.face_width * angle.sin()
    down = y - _EAR_HEIGHT + 0.05 * heads.tilt
    ears = oval(across, down, 0.075, 0.105, pixel)
    # An ear that has turned to the camera lies before the head, any other behind it.
    before = (5 * angle.cos()).clamp(0, 1)
    covered = torch.isin(looks.hair_style, _over_ears(looks.hair_style))
    free = (1 - head * (1 - before)).mul_(~covered)
    canvas.paint(0.95 * looks.skin_colour, ears.mul_(free))
    canvas.paint(0.80 * looks.skin_colour, oval(across, down, 0.038, 0.060, pixel).mul_(free))


def _over_ears(like: Tensor) -> Tensor:
    """The hair styles that hang over the ears."""
    return torch.tensor([HAIR_STYLES.index(name) for name in ("long", "bob")], device=like.device)


def draw_features(canvas: Canvas, heads: Heads) -> None:
    """Draw nose, eyes and brows."""
    across, down = heads.across(canvas.x), heads.down(canvas.y)
    _draw_nose(canvas, heads, across, down)
    _draw_eyes(canvas, heads, across, down)
    _draw_brows(canvas, heads, across, down)


def _draw_cheeks(canvas: Canvas, heads: Heads, head: Tensor) -> None:
    looks, smile = heads.looks, heads.acts.smile
    across, down = heads.across(canvas.x).abs() - 0.235, heads.down(canvas.y) - 0.135 + 0.03 * smile
    cheeks = oval(across, down, 0.085, 0.07, 0.06).mul_(0.35 + 0.45 * smile)
    red = looks.skin_colour * torch.tensor([1.0, 0.70, 0.66], device=across.device)
    canvas.paint(red, cheeks.mul_(head))


def _draw_nose(canvas: Canvas, heads: Heads, across: Tensor, down: Tensor) -> None:
    looks, pixel = heads.looks, canvas.pixel
    # The tip stands out from the ball, so it moves further than the face.
    across = across - 0.13 * heads.turn.sin()
    down = down - 0.10 * heads.tilt.sin() - looks.nose_length
    canvas.paint(0.78 * looks.skin_colour, oval(across, down - 0.008, looks.nose_width, 0.042, pixel))
    light = (1.05 * looks.skin_colour).clamp(max=1)
    canvas.paint(light, oval(across, down + 0.016, 0.96 * looks.nose_width, 0.046, pixel))


def _draw_eyes(canvas: Canvas, heads: Heads, across: Tensor, down: Tensor) -> None:
    looks, acts, pixel = heads.looks, heads.acts, canvas.pixel
    side, size = across.sign(), looks.eye_size
    awake = 1 - acts.blink
    # A closing lid comes to rest below the middle of the eye.
    down = down - EYE_HEIGHT - 0.35 * size * acts.blink
    across_eye = across - side * looks.eye_distance
    height = size * awake * (0.94 - 0.2 * acts.smile)
    lashes = 0.017 + 0.007 * (looks.person == 1)
    dark = looks.skin_colour * 0.22
    canvas.paint(dark, oval(across_eye, down + 0.5 * lashes, size + 0.006, height + 0.5 * lashes, pixel))
    white = oval(across_eye, down - 0.004, size, height.clamp(min=0.01), pixel).mul_((2 * awake).clamp(max=1))
    canvas.paint(torch.full_like(looks.skin_colour, 0.98), white)
    # The eyes keep looking into the camera while the head turns.
    gaze_x, gaze_y = -0.030 * heads.turn.sin(), -0.05 * heads.tilt.sin()
    iris_x, iris_y = across_eye - gaze_x, down - gaze_y
    canvas.paint(looks.eye_colour, oval(iris_x, iris_y, 0.74 * size, 0.74 * size, pixel).mul_(white))
    pupil = torch.full_like(looks.skin_colour, 0.04)
    canvas.paint(pupil, oval(iris_x, iris_y, 0.40 * size, 0.40 * size, pixel).mul_(white))
    spark = oval(iris_x + 0.22 * size, iris_y + 0.25 * size, 0.19 * size, 0.19 * size, pixel)
    canvas.paint(torch.ones_like(pupil), spark.mul_(white))


def _draw_brows(canvas: Canvas, heads: Heads, across: Tensor, down: Tensor) -> None:
    looks = heads.looks
    share = ((across.abs() - looks.eye_distance - 0.005) / 0.095).square()
    lift = 0.012 * heads.acts.smile
    bow = ((across.abs() - looks.eye_distance + 0.025) / 0.095).square()
    middle = EYE_HEIGHT - looks.brow_height - lift + 0.022 * bow
    thickness = looks.brow_thickness * (1 - share).clamp(min=0).sqrt() - 1.0 * (share >= 1)
    canvas.paint(0.62 * looks.hair_colour + 0.02, band(middle, down, thickness, canvas.pixel))


def draw_glasses(canvas: Canvas, heads: Heads) -> None:
    """Draw glasses on those who wear them."""
    looks, pixel = heads.looks, canvas.pixel
    across, down = heads.across(canvas.x), heads.down(canvas.y) - EYE_HEIGHT
    square = looks.glasses == GLASSES.index("square")
    power = torch.where(square, 5.0, 2.0)
    size = torch.full_like(power, _LENS_SIZE)
    height = torch.where(square, 0.095, _LENS_SIZE)
    rings = (((across.abs() - looks.eye_distance) / size).abs() ** power + (down / height).abs() ** power).sub_(1)
    reach = (size / power / pixel).clamp(min=1e-6)
    rings = ((0.013 / pixel + 0.5) - rings.abs_() * reach).clamp_(0, 1)
    # One bar joins the lenses, and one at each side leads to the ear.
    gap = (across.abs() - looks.eye_distance).abs() - size
    columns = (gap / pixel + 0.5).clamp(0, 1)
    rows = ((0.011 - (down + 0.015).abs()) / pixel + 0.5).clamp(0, 1)
    cover = torch.maximum(rings, columns * rows).mul_(looks.glasses != 0)
    on_face = ((looks.face_width - (canvas.x - heads.x).abs()) / pixel + 0.5).clamp(0, 1)
    canvas.paint(looks.frame_colour, cover.mul_(on_face))
