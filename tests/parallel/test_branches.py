"""The branches of guidance in two processes."""

from collections.abc import Sequence

import torch

from s2v_runner.parallel.branches import SharedBranches
from s2v_runner.records import Pass
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, Branches, guided_velocity
from tests.parallel.ranks import Group, run_ranks
from tests.parallel.test_sequence import CASES, PLAIN, conditioning, transformer
from tests.transformer.models import draw

PASSES: tuple[Pass, ...] = ("guided", "conditioned", "reused", "guided")


@torch.no_grad()
def follow(branches: Branches, passes: Sequence[Pass]) -> list[torch.Tensor]:
    model = transformer(PLAIN)
    frames, columns, with_motion = CASES["even"]
    given = conditioning(frames, columns, with_motion)
    velocity = guided_velocity(model, given, draw(31, 1, 4, 24), 4.5, passes, branches)
    times = torch.linspace(900, 100, len(passes))
    return [velocity(draw(9, 1, 16, frames, 8, columns), time.expand(1)) for time in times]


def follow_in_halves(group: Group) -> tuple[list[torch.Tensor], int]:
    asked: list[int] = []
    handle = torch.nn.modules.module.register_module_forward_hook(
        lambda module, *_: asked.append(1) if type(module).__name__ == "S2VTransformer" else None
    )
    found = follow(SharedBranches(group.everyone), PASSES)
    handle.remove()
    return found, len(asked)


def test_two_processes_find_bit_for_bit_what_one_finds():
    alone = follow(ONE_AFTER_THE_OTHER, PASSES)
    (first, asked_first), (second, asked_second) = run_ranks(2, follow_in_halves)
    for pair in (first, second):
        assert all(torch.equal(*each) for each in zip(pair, alone, strict=True))
    # The second is not asked where one branch is enough.
    assert (asked_first, asked_second) == (4, 2)
