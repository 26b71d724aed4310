import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch

from s2v_runner.conditioning.visual import encode_pose, fit_pose, picture_to_video
from s2v_runner.engine import Engine
from s2v_runner.inputs.picture import fit_picture
from s2v_runner.plan import plan_run
from s2v_runner.records import FIXED, REFERENCE, Picture, Request, RunPlan


@pytest.fixture
def plan(request_for: Callable[..., Request]) -> RunPlan:
    return plan_run(request_for(infer_frames=8), (80, 96), 16000, 16000)


def test_pixels_become_minus_one_to_one():
    video = picture_to_video(np.array([[[0, 128, 255]]], np.uint8))
    assert video.shape == (1, 3, 1, 1, 1)
    assert video.flatten().tolist() == pytest.approx([-1, 0.00392, 1], abs=1e-4)


@pytest.mark.parametrize(
    ("compat", "border"), [(dataclasses.replace(FIXED, picture_fit="pad"), -1.0), (REFERENCE, 0.0)]
)
def test_what_stands_beside_a_narrow_pose(plan: RunPlan, compat, border: float):
    wide = RunPlan(**{**plan.__dict__, "height": 64, "width": 128})
    fitted = fit_pose(np.full((90, 90, 3), 255, np.uint8), wide, compat)
    assert fitted.shape == (1, 3, 1, 64, 128)
    assert fitted[0, 0, 0, 32, 0].item() == border
    assert fitted[0, 0, 0, 32, 64].item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("fit", ["cover", "pad", "reference"])
@pytest.mark.parametrize(("height", "width"), [(64, 128), (128, 64), (64, 192), (128, 128)])
def test_a_skeleton_lies_where_the_person_of_the_picture_is(plan: RunPlan, fit: str, height: int, width: int):
    pixels = np.zeros((90, 150, 3), np.uint8)
    pixels[30:60, 50:80] = 255
    compat = dataclasses.replace(FIXED, picture_fit=fit)
    framed = dataclasses.replace(plan, height=height, width=width)
    person = fit_picture(Picture(pixels), height, width, compat)[..., 0] > 127
    skeleton = fit_pose(pixels, framed, compat)[0, 0, 0].numpy() > 0
    assert person.any()
    # The two scale by different libraries, which may differ along the edge.
    assert (person != skeleton).mean() < 0.02


def test_the_whole_pose_is_seen_between_borders(plan: RunPlan):
    whole = dataclasses.replace(FIXED, picture_fit="pad")
    fitted = fit_pose(np.full((90, 300, 3), 255, np.uint8), dataclasses.replace(plan, height=128, width=128), whole)
    lit = fitted[0, 0, 0] > 0
    assert lit.any(dim=1).sum() == round(90 * 128 / 300)
    assert lit.any(dim=0).sum() == 128


@torch.no_grad()
def test_pose_is_encoded_clip_by_clip_and_black_past_its_end(tiny_engine: Engine, plan: RunPlan):
    white = iter([np.full((64, 64, 3), 255, np.uint8)] * 8)
    clips = encode_pose(tiny_engine.vae, white, plan, FIXED)
    assert len(clips) == plan.num_clips == 3
    assert clips[0].shape == (1, 16, plan.latent_frames, 8, 8)
    assert torch.equal(clips[1], clips[2])
    assert not torch.equal(clips[0], clips[1])
