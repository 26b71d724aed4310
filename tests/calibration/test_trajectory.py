import numpy as np
import pytest
import torch

from s2v_runner.calibration.trajectory import Recorder
from s2v_runner.sampling.denoise import denoise
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, guided_velocity
from s2v_runner.sampling.schedules import make_solver
from s2v_runner.transformer import S2VTransformer
from tests.conftest import CPU
from tests.sampling.test_guidance import NEGATIVE
from tests.transformer.models import LATENTS, make_conditioning

STEPS = 4


@torch.no_grad()
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_what_is_heard_of_a_clip_is_what_was_followed(transformer: S2VTransformer, scale: float):
    followed: list[torch.Tensor] = []
    recorder = Recorder(scale)
    passes = ("guided" if scale > 1 else "conditioned",) * STEPS
    for clip in range(2):
        followed.clear()
        inner = guided_velocity(transformer, make_conditioning(clip), NEGATIVE, scale, passes, ONE_AFTER_THE_OTHER)

        def velocity(latents: torch.Tensor, timestep: torch.Tensor, inner=inner) -> torch.Tensor:
            followed.append(inner(latents, timestep))
            return followed[-1]

        with recorder.listening(transformer):
            solver = make_solver("unipc", STEPS, range(STEPS), 3.0, CPU)
            denoise(LATENTS, velocity, solver, lambda *step, clip=clip: recorder.step(clip, *step))
    assert len(recorder.trajectories) == 2
    heard = recorder.trajectories[-1]
    rows = torch.stack([each.flatten().double() for each in followed])
    assert heard.velocities == pytest.approx((rows @ rows.T).numpy(), rel=1e-5)
    changes = [0.0, *((rows[1:] - rows[:-1]).norm(dim=1) / rows[1:].norm(dim=1)).tolist()]
    if scale > 1:
        assert (np.diag(heard.differences) > 0).all()
        assert len(heard.guidance) == STEPS
    else:
        assert not heard.differences.any()
        assert heard.changes["conditioned"] == pytest.approx(changes, rel=1e-4)
    assert not transformer._forward_hooks
