"""Time, rate, peak memory and accuracy of one forward pass of the transformer.

    python -m benchmarks forward --sizes 1024*704 --variants sdpa_cudnn sdpa_flash --out forward.json

Random weights of the released model's size unless told otherwise; no weights are needed and only PyTorch is imported.
The variants take turns, after a warm-up; each figure is the median of the repeats. `--layers 10` measures a quarter of
the released model's blocks, and what is around them, and scales the seconds up, under names that say so.
"""

from collections.abc import Sequence

import torch

from benchmarks.arguments import add_passes, make_suite_parser
from benchmarks.passes import Call, Pass, measure_passes
from benchmarks.report import keep_report
from s2v_runner.transformer import Conditioning, S2VTransformer

_TIMESTEP = 500.0


def main(arguments: Sequence[str]) -> None:
    parser = make_suite_parser("forward", __doc__)
    add_passes(parser)
    options = parser.parse_args(arguments)
    keep_report(options.out, measure_passes(FORWARD, options))


def _begin(transformer: S2VTransformer, conditioning: Conditioning, latents: torch.Tensor) -> Call:
    prepared = transformer.prepare(conditioning)
    timestep = torch.tensor([_TIMESTEP], device=latents.device)
    return lambda: transformer(latents, timestep, prepared)


FORWARD = Pass(
    name="forward",
    measured="One forward pass of the transformer with random weights, and preparing a clip for one guidance branch.",
    forwards=1,
    begin=_begin,
)
