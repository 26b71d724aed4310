"""Videos of cases come from the pipeline, as long as their cases and with what their settings ask for."""

from dataclasses import replace

import pytest
import torch

from demo.evaluation.cases import Case
from demo.evaluation.making import (
    DECODED,
    DRAWN,
    STRANGER,
    Maker,
    count_clips,
    default_request,
    default_settings,
    load_engine,
)
from tests.conftest import CPU
from tests.demo.evaluation.shown import DEFAULT
from tests.places import TINY_CHECKPOINT

FRAMES = 5
QUICK = replace(DEFAULT, steps=1, guide_scale=1.0, infer_frames=8)


@pytest.fixture(scope="module")
def maker() -> Maker:
    """Of videos of 64 by 64, for speed."""
    return Maker(load_engine(TINY_CHECKPOINT, CPU), replace(default_request(), area=64 * 64))


def first_frames(case: Case, frames: int) -> Case:
    marks = {name: getattr(case, name)[:frames] for name in ("closed", "voiced", "silent")}
    return replace(case, performance=case.performance.window(0, frames), **marks)


@pytest.fixture(scope="module")
def case(plain_cases: list[Case]) -> Case:
    return first_frames(plain_cases[0], FRAMES)


@pytest.fixture(scope="module")
def usual(maker: Maker, case: Case) -> torch.Tensor:
    return maker.make(case, QUICK).video_BCVHW


def test_a_video_has_the_frames_of_its_case(usual: torch.Tensor):
    assert usual.shape == (1, 3, FRAMES, 64, 64)
    assert usual.dtype == torch.float32


def test_clips_begin_where_the_plan_has_them(maker: Maker, plain_cases: list[Case]):
    made = maker.make(first_frames(plain_cases[0], 7), QUICK)
    assert made.video_BCVHW.shape[2] == 7
    assert made.starts == (0, 5)


CHANGES = ({"posed": True}, {"guide_scale": 2.0}, {"steps": 2}, {"infer_frames": 12}, {"start_from_ref": True})


@pytest.mark.parametrize("change", CHANGES)
def test_each_setting_reaches_the_pipeline(maker: Maker, case: Case, usual: torch.Tensor, change: dict):
    assert not torch.equal(maker.make(case, replace(QUICK, **change)).video_BCVHW, usual)


def test_shift_and_solver_reach_it_too(maker: Maker, case: Case):
    changes = ({}, {}, {"shift": 8.0}, {"solver": "euler"})
    usual, again, shifted, solved = (
        maker.make(case, replace(QUICK, steps=3, **change)).video_BCVHW for change in changes
    )
    assert torch.equal(again, usual)
    assert not torch.equal(shifted, usual)
    assert not torch.equal(solved, usual)


def test_what_the_measures_can_reach_is_drawn(maker: Maker, case: Case):
    drawn, decoded, stranger = (
        maker.make(case, replace(QUICK, source=source)).video_BCVHW for source in (DRAWN, DECODED, STRANGER)
    )
    assert drawn.shape == decoded.shape == stranger.shape == (1, 3, FRAMES, 128, 128)
    assert (stranger - drawn).abs().mean() > 0.05


def test_the_default_settings_are_those_of_the_demo_model_with_every_number_said():
    request = default_request()
    settings = default_settings(request)
    assert (settings.steps, settings.guide_scale, settings.solver) == (
        request.steps,
        request.guide_scale,
        request.solver,
    )
    assert settings.shift == 3.0
    assert request.area == 128 * 128


@pytest.mark.parametrize(("frames", "clips"), [(77, 1), (78, 2), (157, 2), (397, 5)])
def test_clips_are_counted_as_the_plan_counts_them(frames: int, clips: int):
    assert count_clips(frames, DEFAULT) == clips
    assert count_clips(frames + 3, replace(DEFAULT, start_from_ref=True)) == clips


def test_passes_are_doubled_by_guidance():
    assert DEFAULT.passes == 40
    assert replace(DEFAULT, guide_scale=1.0).passes == 20
    assert replace(DEFAULT, source=DRAWN).passes == 0
