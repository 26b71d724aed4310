import pytest
import torch

from s2v_runner.conditioning.cache import NO_CACHE
from s2v_runner.engine import Engine
from s2v_runner.generation import UNWATCHED, generate
from s2v_runner.records import EVERY_PASS, REFERENCE, Request
from s2v_runner.sampling.clips import Frames
from tests.parity.recordings import GOLDEN, assert_agrees, read_json, tensors

OUR_SOLVERS = {"unipc": "unipc", "dpm++": "dpmpp"}


def as_request(recorded: dict) -> Request:
    """The arguments of the original's `generate` as ours."""
    pose_video = recorded.get("pose_video")
    return Request(
        prompt=recorded["input_prompt"],
        negative_prompt=recorded["n_prompt"],
        image=GOLDEN / recorded["ref_image_path"],
        audio=GOLDEN / recorded["audio_path"],
        pose_video=GOLDEN / pose_video if pose_video else None,
        area=recorded["max_area"],
        exact_size=None,
        infer_frames=recorded["infer_frames"],
        num_clip=recorded["num_repeat"],
        start_from_ref=recorded.get("init_first_frame", False),
        solver=OUR_SOLVERS[recorded["sample_solver"]],
        steps=recorded["sampling_steps"],
        shift=recorded["shift"],
        guide_scale=recorded["guide_scale"],
        economy=EVERY_PASS,
        base_seed=recorded["seed"],
        motion_frames=73,
        sample_fps=16,
        compat=REFERENCE,
    )


@pytest.mark.parametrize("name", sorted(read_json("pipeline.json")))
def test_generation(engine: Engine, name: str):
    recorded = read_json("pipeline.json")[name]
    made = generate(as_request(recorded), engine, UNWATCHED, None, NO_CACHE)
    video = torch.cat([part.video_BCVHW for part in made if isinstance(part, Frames)], dim=2)
    assert list(video.squeeze(0).shape) == recorded["video_shape_CTHW"]
    assert_agrees(video.squeeze(0), tensors("pipeline")[name], 1e-3)
