import pytest
import torch

from s2v_runner.autoencoder import WHOLE_FRAMES, decode_video, encode_video
from s2v_runner.engine import Engine
from tests.parity.recordings import assert_agrees, case, case_keys


@pytest.mark.parametrize("key", case_keys("vae"))
@torch.no_grad()
def test_video(engine: Engine, key: str):
    recorded = case("vae", key)

    def decode(latents: torch.Tensor) -> torch.Tensor:
        return torch.cat(list(decode_video(engine.vae, latents.unsqueeze(0), WHOLE_FRAMES)), dim=2).squeeze(0)

    latents = encode_video(engine.vae, recorded["video"].unsqueeze(0), WHOLE_FRAMES).squeeze(0)
    assert_agrees(latents, recorded["latents"], 1e-5)
    assert_agrees(decode(recorded["latents"]), recorded["decoded"], 1e-5)
    assert_agrees(decode(recorded["random_latents"]), recorded["random_decoded"], 1e-5)
