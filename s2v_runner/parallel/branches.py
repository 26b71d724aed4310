"""The two branches of guidance in two processes, or in two halves of them."""

import torch

from s2v_runner.parallel.wire import Wire
from s2v_runner.sampling.guidance import BranchPair, MakeVelocity, Velocity


class SharedBranches:
    """The first of two processes works the conditioned branch out, the second the other; both know both then.

    What a pass asks of the conditioned branch alone the second one waits for.
    """

    def __init__(self, wire: Wire) -> None:
        assert wire.size == 2
        self._wire = wire

    def pair(self, conditioned: MakeVelocity, unconditioned: MakeVelocity) -> BranchPair:
        wire = self._wire
        own = (conditioned, unconditioned)[wire.rank]()
        first: Velocity = (own, _place_for_velocity)[wire.rank]

        def both(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            found_BCFHW = own(latents_BCFHW, timestep_B)
            with_speech, without = wire.gather(found_BCFHW.unsqueeze(0), [1, 1]).unbind(0)
            return with_speech, without

        return BranchPair(both, lambda *at: wire.broadcast(first(*at), source=0))


def _place_for_velocity(latents_BCFHW: torch.Tensor, timestep_B: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(latents_BCFHW, dtype=torch.float32)
