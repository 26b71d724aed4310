import torch
from torch import Tensor

from demo.world.geometry import head_centre
from demo.world.skeleton import render_pose
from tests.demo.world.test_head import acting, people

SIZE = 64


def brightness(**values: float) -> Tensor:
    """One skeleton [H, W], from 0 to 2."""
    return render_pose(people(1), acting(1, 1, **values), SIZE)[0, :, 0].amax(0) + 1


def middle(brightness_HW: Tensor) -> tuple[float, float]:
    """(x, y) of what is drawn above the neck, from -1 to 1."""
    places = (torch.arange(SIZE) + 0.5) * 2 / SIZE - 1
    upper = brightness_HW * (places < 0.2)[:, None]
    return float((upper.sum(0) * places).sum() / upper.sum()), float((upper.sum(1) * places).sum() / upper.sum())


def test_skeletons_are_bright_on_black():
    video = render_pose(people(3), acting(3, 5), SIZE)
    assert video.shape == (3, 3, 5, SIZE, SIZE)
    assert video.dtype == torch.float32
    assert video.min() == -1
    assert video.max() > 0.9
    drawn = (video.amax(1) > -0.9).float().mean()
    assert 0.02 < drawn < 0.15


def test_the_mouth_and_the_eyelids_are_not_seen():
    rest = brightness()
    assert torch.equal(brightness(opening=1.0, width=1.0, rounding=1.0, smile=1.0, blink=1.0), rest)


def test_the_skeleton_follows_the_head():
    rest_x, rest_y = middle(brightness())
    assert middle(brightness(sway_x=0.1))[0] > rest_x + 0.05
    assert middle(brightness(sway_y=0.1))[1] > rest_y + 0.05
    assert middle(brightness(yaw=0.9))[0] > rest_x + 0.05
    assert middle(brightness(yaw=-0.9))[0] < rest_x - 0.05
    assert middle(brightness(pitch=0.9))[1] > rest_y + 0.03
    assert middle(brightness(pitch=-0.9))[1] < rest_y - 0.03


def test_the_head_is_drawn_around_its_centre():
    take = acting(1, 1, sway_x=0.1)
    x, y = head_centre(people(1), take)[0, 0].tolist()
    drawn_x, drawn_y = middle(brightness(sway_x=0.1))
    assert abs(drawn_x - x) < 0.05
    assert abs(drawn_y - y) < 0.15


def test_the_shoulders_stay():
    rest, moved = brightness(), brightness(sway_x=0.1, yaw=0.5)
    for side in (slice(0, SIZE // 4), slice(-SIZE // 4, None)):
        assert torch.equal(moved[-SIZE // 5 :, side], rest[-SIZE // 5 :, side])
        assert rest[-SIZE // 5 :, side].max() > 1


def test_many_frames_are_drawn_as_one_by_one():
    whole = render_pose(people(2), acting(2, 3, yaw=0.4), SIZE)
    for take in range(2):
        alone = render_pose(people(2).select(torch.tensor([take])), acting(1, 1, yaw=0.4), SIZE)
        assert torch.equal(whole[take, :, 2], alone[0, :, 0])
