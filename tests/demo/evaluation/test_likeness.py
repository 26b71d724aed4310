"""A person is known again, and what is wrong with a picture is told by its size."""

import pytest
import torch

from demo.evaluation.cases import Case
from demo.evaluation.likeness import Likeness, compare_looks, perform_as_read
from demo.reading import Readings, true_readings
from demo.world.head import render
from demo.world.identity import draw_identities
from demo.world.performance import Performances

SIDE = 64


@pytest.fixture(scope="module")
def performance(plain_cases: list[Case]) -> Performances:
    return plain_cases[0].performance.window(0, 6)


@pytest.fixture(scope="module")
def readings(plain_cases: list[Case], performance: Performances) -> Readings:
    return true_readings(plain_cases[0].identities, performance)


@pytest.fixture(scope="module")
def video(plain_cases: list[Case], performance: Performances) -> torch.Tensor:
    return render(plain_cases[0].identities, performance, SIDE)


def compare(video: torch.Tensor, case: Case, readings: Readings) -> Likeness:
    return compare_looks(video, case.identities, case.portrait, readings)


def test_the_pose_is_found_again_from_what_is_read(
    plain_cases: list[Case], performance: Performances, readings: Readings
):
    found = perform_as_read(plain_cases[0].identities, readings)
    for name, values in vars(performance).items():
        torch.testing.assert_close(getattr(found, name), values, atol=1e-5, rtol=0)


def test_the_truth_is_the_person_of_the_picture(video: torch.Tensor, plain_cases: list[Case], readings: Readings):
    looks = compare(video, plain_cases[0], readings)
    assert looks.ssim.shape == looks.ground_error.shape == looks.face_error.shape == (6,)
    assert looks.change.shape == (5,)
    assert looks.ssim.min() > 0.999
    assert looks.ground_error.max() < 1
    assert looks.face_error.max() < 0.01


def test_somebody_else_is_not(performance: Performances, plain_cases: list[Case], readings: Readings):
    stranger = render(draw_identities(1, torch.Generator().manual_seed(5)), performance, SIDE)
    looks = compare(stranger, plain_cases[0], readings)
    assert looks.ssim.max() < 0.8
    assert looks.ground_error.min() > 10
    assert looks.face_error.min() > 5


def test_another_light_is_measured_in_levels(video: torch.Tensor, plain_cases: list[Case], readings: Readings):
    looks = compare(video + 10 / 127.5, plain_cases[0], readings)
    assert looks.ground_error.numpy() == pytest.approx(10, abs=0.5)
    assert looks.face_error.numpy() == pytest.approx(10, abs=0.1)
    assert looks.ssim.min() > 0.9


def test_mouth_and_eyes_do_not_count(
    video: torch.Tensor, plain_cases: list[Case], performance: Performances, readings: Readings
):
    open_mouthed = Performances(**{**vars(performance), "opening": torch.ones(1, 6), "blink": torch.ones(1, 6)})
    other = render(plain_cases[0].identities, open_mouthed, SIDE)
    assert (other - video).abs().max() > 0.5
    looks = compare(other, plain_cases[0], readings)
    assert looks.ssim.min() > 0.98
    assert looks.face_error.max() < 1


def test_blur_costs_likeness(video: torch.Tensor, plain_cases: list[Case], readings: Readings):
    blurred = torch.nn.functional.avg_pool3d(video, (1, 5, 5), stride=1, padding=(0, 2, 2), count_include_pad=False)
    assert compare(blurred, plain_cases[0], readings).ssim.max() < 0.95


def test_a_jump_is_where_it_is(video: torch.Tensor, plain_cases: list[Case], readings: Readings):
    jumping = video.clone()
    jumping[:, :, 3:] += 0.2
    change = compare(jumping, plain_cases[0], readings).change
    assert change.argmax() == 2
    assert change[2] > 20
