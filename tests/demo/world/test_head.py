from dataclasses import replace

import pytest
import torch
from torch import Tensor

from demo.world import head
from demo.world.geometry import eye_boxes, head_centre, mouth_box
from demo.world.head import render
from demo.world.identity import FACIAL_HAIR, GLASSES, HAIR_STYLES, Identities, draw_identities
from demo.world.performance import Performances

SIZE = 64
NAMES = ("opening", "width", "rounding", "smile", "yaw", "pitch", "sway_x", "sway_y", "blink")


def people(count: int) -> Identities:
    return draw_identities(count, torch.Generator().manual_seed(5))


def acting(takes: int, frames: int, **values: float) -> Performances:
    """The same in every frame: at rest, but for these values."""
    rest = dict.fromkeys(NAMES, 0.0) | {"width": 0.5} | values
    return Performances(**{name: torch.full((takes, frames), value) for name, value in rest.items()})


def picture(**values: float) -> Tensor:
    """One person who does this, [3, H, W]."""
    return render(people(1), acting(1, 1, **values), SIZE)[0, :, 0]


def inside(picture_CHW: Tensor, box: Tensor) -> Tensor:
    left, top, right, bottom = ((box + 1) / 2 * picture_CHW.shape[-1]).round().int().tolist()
    return picture_CHW[:, top:bottom, left:right]


def darkness(picture_CHW: Tensor) -> int:
    """Pixels as dark as the inside of a mouth."""
    return int((picture_CHW.amax(0) < -0.35).sum())


def test_videos_have_the_shape_range_and_type_of_the_contract():
    video = render(people(3), acting(3, 5), SIZE)
    assert video.shape == (3, 3, 5, SIZE, SIZE)
    assert video.dtype == torch.float32
    assert -1 <= video.min() < -0.3
    assert 0.5 < video.max() <= 1


def test_the_same_input_draws_the_same_however_it_is_cut(monkeypatch: pytest.MonkeyPatch):
    generator = torch.Generator().manual_seed(0)
    moving = Performances(**{name: 0.1 * torch.rand(3, 7, generator=generator) for name in NAMES})
    whole = render(people(3), moving, SIZE)
    for pixels in (SIZE**2, 3 * SIZE**2, 15 * SIZE**2):
        monkeypatch.setattr(head, "_PIXELS_AT_ONCE", {"cpu": pixels})
        assert torch.allclose(render(people(3), moving, SIZE), whole, atol=1e-4)


def test_different_people_look_different():
    video = render(people(8), acting(8, 1), SIZE)
    for first in range(8):
        for second in range(first):
            assert (video[first] - video[second]).abs().mean() > 0.05


@pytest.mark.parametrize(
    ("name", "kinds"), [("hair_style", HAIR_STYLES), ("glasses", GLASSES), ("facial_hair", FACIAL_HAIR)]
)
def test_every_kind_is_drawn_in_its_own_way(name: str, kinds: tuple[str, ...]):
    one = people(1).select(torch.zeros(len(kinds), dtype=torch.int64))
    video = render(replace(one, **{name: torch.arange(len(kinds))}), acting(len(kinds), 1), SIZE)
    for first in range(len(kinds)):
        for second in range(first):
            assert (video[first] - video[second]).abs().amax(0).gt(0.2).sum() > 15


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("opening", 0.6, 60),
        ("width", 1.0, 8),
        ("rounding", 1.0, 15),
        ("smile", 1.0, 30),
        ("yaw", 0.8, 300),
        ("pitch", 0.8, 200),
        ("blink", 1.0, 40),
        ("sway_x", 0.1, 300),
        ("sway_y", 0.1, 300),
    ],
)
def test_every_movement_is_seen(name: str, value: float, least: int):
    changed = (picture(**{name: value}) - picture()).abs().amax(0) > 0.15
    assert changed.sum() >= least


def test_what_the_mouth_does_stays_within_its_box():
    person, shapes = people(1), torch.tensor([[1.0, 0.4, 0.5], [0.6, 1.0, 0.0], [0.0, 0.0, 1.0]])
    opening, width, rounding = (shape[None] for shape in shapes)
    for yaw in (-0.9, 0.0, 0.9):
        rest = acting(1, 3, yaw=yaw)
        moving = replace(rest, opening=opening, width=width, rounding=rounding)
        changed = (render(person, moving, SIZE) - render(person, rest, SIZE)).abs().amax(1)[0]
        for frame, box in enumerate(((mouth_box(person, moving)[0] + 1) / 2 * SIZE).round().int()):
            left, top, right, bottom = box.tolist()
            assert changed[frame, top:bottom, left:right].max() > 0.2
            assert changed[frame, :top].max() < 0.1
            # Further out and further down, the jaw goes along.
            upper = slice(top, (top + bottom) // 2)
            if yaw == 0:
                assert changed[frame, upper, left - 3 : left].max() < 0.1
                assert changed[frame, upper, right : right + 3].max() < 0.1


def test_the_mouth_opens_dark_between_the_lips_and_closes():
    boxes = mouth_box(people(1), acting(1, 1))[0, 0]
    sizes = [darkness(inside(picture(opening=opening), boxes)) for opening in (0.0, 0.5, 1.0)]
    assert sizes[0] <= 12
    assert sizes[1] > sizes[0] + 10
    assert sizes[2] > sizes[1] + 10


def test_a_blink_hides_the_white_of_the_eyes():
    box = eye_boxes(people(1), acting(1, 1))[0, 0]
    faces = (render(people(1), acting(1, 1, blink=blink), 2 * SIZE)[0, :, 0] for blink in (0.0, 1.0))
    awake, asleep = (inside(face, box).amin(0).gt(0.6).sum() for face in faces)
    assert awake >= 10
    assert asleep == 0


def test_boxes_and_centres_follow_the_head():
    who, rest = people(2), acting(2, 3)
    right, lower, turned = (acting(2, 3, **{name: 0.1}) for name in ("sway_x", "sway_y", "yaw"))
    for boxes in (mouth_box, eye_boxes):
        assert boxes(who, rest).shape == (2, 3, 4)
        moved = torch.tensor([0.1, 0, 0.1, 0])
        assert torch.allclose(boxes(who, right), boxes(who, rest) + moved, atol=1e-5)
        assert torch.allclose(boxes(who, lower), boxes(who, rest) + moved.roll(1), atol=1e-5)
        assert (boxes(who, turned)[..., 0] > boxes(who, rest)[..., 0]).all()
    assert (mouth_box(who, rest)[..., 1] > eye_boxes(who, rest)[..., 3]).all()
    assert torch.allclose(head_centre(who, right), head_centre(who, rest) + torch.tensor([0.1, 0]), atol=1e-6)


def test_the_picture_moves_as_the_centre_says():
    shift = 8 / SIZE
    moved, rest = picture(sway_x=shift), picture()
    # The face, above the neck and without the wall beside it.
    middle = slice(SIZE // 2 - 10, SIZE // 2 + 10)
    face = rest[:, 20:40, middle]
    assert (moved[:, 20:40, middle.start + 4 : middle.stop + 4] - face).abs().max() < 1e-3


def test_nothing_is_cut_off_at_the_borders_of_a_part(monkeypatch: pytest.MonkeyPatch):
    corners = torch.cartesian_prod(*(torch.tensor([-1.0, 0.0, 1.0]),) * 4)[:, :, None]
    takes = len(corners)
    yaw, pitch, x, y = corners.unbind(1)
    extreme = replace(
        acting(takes, 1, opening=1.0, smile=1.0, width=1.0), yaw=yaw, pitch=pitch, sway_x=0.12 * x, sway_y=0.12 * y
    )
    drawn = render(people(takes), extreme, SIZE)
    for part in ("_FACE", "_EYES", "_MOUTH"):
        monkeypatch.setattr(head, part, (-1.0, -1.0, 1.0, 1.0))
    assert (render(people(takes), extreme, SIZE) - drawn).abs().max() < 0.02


def test_a_large_picture_is_the_same_in_finer_pixels():
    who, take = people(4), acting(4, 1, opening=0.5, yaw=0.3)
    small, large = render(who, take, 64)[:, :, 0], render(who, take, 256)[:, :, 0]
    assert (torch.nn.functional.avg_pool2d(large, 4) - small).abs().mean() < 0.02
