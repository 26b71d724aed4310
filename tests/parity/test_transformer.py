import pytest
import torch

from s2v_runner.engine import Engine
from s2v_runner.transformer import Conditioning
from tests.parity.recordings import assert_agrees, case, read_json


@pytest.mark.parametrize("key", sorted(read_json("transformer.json")))
@torch.no_grad()
def test_forward_pass(engine: Engine, key: str):
    recorded = case("transformer", key)
    about = read_json("transformer.json")[key]
    conditioning = Conditioning(
        text_BTC=recorded["text"].unsqueeze(0),
        audio_BJCV=recorded["audio"],
        reference_BC1HW=recorded["ref_latents"],
        pose_BCFHW=recorded["pose_latents"],
        motion_BCMHW=None if about["drop_motion_frames"] else recorded["motion_latents"],
        motion_frames=about["motion_frames"][0],
    )
    prepared = engine.transformer.prepare(conditioning)
    velocity = engine.transformer(recorded["latents"].unsqueeze(0), recorded["timestep"], prepared)
    assert_agrees(velocity.squeeze(0), recorded["output"], 1e-5)
