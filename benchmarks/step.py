"""Time, rate, peak memory and accuracy of one guided step: two forward passes, guidance and the solver.

    python -m benchmarks step --sizes 1024*704 --variants sdpa_cudnn --out step.json

As `forward`, which says more. The solver is Euler's, so that only PyTorch is needed: what another does besides is
arithmetic on the latents, which are a ten-thousandth of the activations.
"""

from collections.abc import Sequence
from typing import Literal

import torch

from benchmarks.arguments import add_passes, make_suite_parser
from benchmarks.passes import Call, Pass, measure_passes
from benchmarks.report import keep_report
from s2v_runner.sampling.guidance import ONE_AFTER_THE_OTHER, guided_velocity
from s2v_runner.transformer import Conditioning, S2VTransformer

_TIMESTEP = 500.0
_STRIDE = -0.025
"""Of the noise that a step takes away: of forty equal ones."""
_GUIDED: tuple[Literal["guided"], ...] = ("guided",) * 1000
"""More than a step is repeated."""
_GUIDANCE = 4.5


def main(arguments: Sequence[str]) -> None:
    parser = make_suite_parser("step", __doc__)
    add_passes(parser)
    options = parser.parse_args(arguments)
    keep_report(options.out, measure_passes(STEP, options))


def _begin(transformer: S2VTransformer, conditioning: Conditioning, latents: torch.Tensor) -> Call:
    negative = conditioning.text_BTC.flip(1)
    velocity = guided_velocity(transformer, conditioning, negative, _GUIDANCE, _GUIDED, ONE_AFTER_THE_OTHER)
    timestep = torch.tensor([_TIMESTEP], device=latents.device)
    return lambda: latents + _STRIDE * velocity(latents, timestep)


STEP = Pass(
    name="step",
    measured="One step with guidance of the transformer with random weights, and preparing a clip for both branches.",
    forwards=2,
    begin=_begin,
)
