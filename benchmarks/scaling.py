"""One video on several GPUs: the step measured where they are, and worked out where they are not.

    python -m benchmarks scaling --processes 2 --sizes 1024*704 --variants flash_3,kernels=triton --out scaling.json
    python -m benchmarks scaling --rehearse 1 2 4 5 8 --sizes 1024*704 --variants flash_3,kernels=triton

With --processes so many processes, a GPU each, share a guided step in every way there is (tokens, branches, both),
beside one of them alone. With --rehearse one GPU does what a process of a group of each size does, the first's share
and the last's, and the longer counts; what the processes exchange is counted, and takes as long as --bandwidth and
--network say.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from benchmarks.arguments import Size, add_passes, choose_dtype, make_suite_parser, parse_count
from benchmarks.clips import ClipCase, draw_conditioning, draw_latents, list_cases
from benchmarks.machine import alternate
from benchmarks.models import with_layers
from benchmarks.rehearsal import RehearsedSequence
from benchmarks.report import Report, Row, keep_report, stated
from benchmarks.shared_step import measure_shared_steps
from benchmarks.surroundings import describe_surroundings
from benchmarks.variants import Variant, with_sequence
from s2v_runner.errors import InputError
from s2v_runner.transformer import WHOLE_SEQUENCE, Conditioning, S2VTransformer, TransformerConfig, plain_backend
from s2v_runner.transformer import Sequence as TokenSequence
from s2v_runner.transformer.initialisation import random_transformer
from s2v_runner.transformer.sequence import divide_tokens

_TIMESTEP = 500.0
_GIGA = 1e9
_GPUS_A_MACHINE = 8
_BRANCHES = 2
_EXCHANGES = 4
"""Of a block: queries, keys, values, and what was found."""
_VELOCITY_BYTES = 4


def main(arguments: Sequence[str]) -> None:
    parser = make_suite_parser("scaling", __doc__)
    add_passes(parser)
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--processes", type=parse_count, help="to measure with")
    ways.add_argument(
        "--rehearse",
        type=parse_count,
        nargs="+",
        default=[1, 2, 4],
        help="sizes of the group that shares the tokens, without --processes (%(default)s)",
    )
    parser.add_argument("--bandwidth", type=float, default=300.0, help="GB/s that a GPU sends within a machine")
    parser.add_argument("--network", type=float, default=40.0, help="GB/s that a GPU sends to another machine")
    options = parser.parse_args(arguments)
    keep_report(options.out, measure(options))


@dataclass(frozen=True)
class Shape:
    """A group of processes: how many branches of guidance they divide into, and how many share the tokens of each."""

    branches: int
    sequence: int

    @property
    def processes(self) -> int:
        return self.branches * self.sequence

    @property
    def way(self) -> str:
        if self.processes == 1:
            return "one process"
        return {1: "ulysses", 2: "cfg" if self.sequence == 1 else "cfg and ulysses"}[self.branches]


def measure(options: argparse.Namespace) -> Report:
    """Every case. Raises InputError for what cannot be measured."""
    whole: TransformerConfig = options.model.transformer
    layers = whole.num_layers if options.layers is None else options.layers
    config = with_layers(whole, layers)
    for size in () if options.processes else options.rehearse:
        if config.num_heads % size:
            raise InputError(
                f"--rehearse {size}", f"{config.num_heads} heads do not divide among {size}", "Give others"
            )
    sizes, frames = options.sizes or [Size(options.model.size)], options.frames or [options.model.frames]
    cases = list_cases(sizes, frames, options.clips)
    rows: list[Row] = []
    for variant in options.variants:
        if options.processes:
            rows += measure_shared_steps(config, variant, cases, options)
        else:
            rows += _rehearse(config, whole, variant, cases, options)
    return Report(
        benchmark="scaling",
        measured=_describe(options, config, whole),
        options=stated(
            {**vars(options), "model": options.model.name, "layers": layers, "sizes": sizes, "frames": frames}
        ),
        **describe_surroundings(options.device, options.commit),
        rows=tuple(rows),
    )


@torch.no_grad()
def _rehearse(
    config: TransformerConfig,
    whole: TransformerConfig,
    variant: Variant,
    cases: list[ClipCase],
    options: argparse.Namespace,
) -> list[Row]:
    device: torch.device = options.device
    dtype = choose_dtype(options.dtype, device)
    variant.check(config, device, dtype)
    alone = variant.build(random_transformer(config, plain_backend("sdpa"), device, dtype, seed=0))
    backend = variant.backend(device, dtype)
    rows = []
    for case in cases:
        conditioning, latents = draw_conditioning(config, case, device), draw_latents(config, case, device)
        calls = {
            f"{size}/{rank}": _forward(with_sequence(alone, backend, _part(size, rank)), conditioning, latents)
            for size in options.rehearse
            for rank in sorted({0, size - 1})
        }
        for call in calls.values():
            call()
        seconds = alternate(device, calls, options.repeats)
        scale = whole.num_layers / config.num_layers
        longest = {
            size: max(statistics.median(taken) for name, taken in seconds.items() if name.startswith(f"{size}/"))
            * scale
            for size in options.rehearse
        }
        tokens = alone.prepare(conditioning).share.counts[0]
        rows += _work_out(longest, tokens, latents.numel(), whole, variant, case, options)
    return rows


def _part(size: int, rank: int) -> TokenSequence:
    return WHOLE_SEQUENCE if size == 1 else RehearsedSequence(size, rank)


def _forward(transformer: S2VTransformer, conditioning: Conditioning, latents: torch.Tensor) -> Callable[[], object]:
    prepared = transformer.prepare(conditioning)
    timestep = torch.tensor([_TIMESTEP], device=latents.device)
    return lambda: transformer(latents, timestep, prepared)


def _work_out(
    computing: dict[int, float],
    tokens: int,
    latents: int,
    config: TransformerConfig,
    variant: Variant,
    case: ClipCase,
    options: argparse.Namespace,
) -> list[Row]:
    """A guided step by groups that share the tokens, and by two of each for a branch of guidance."""
    shapes = [Shape(branches, size) for branches in (1, _BRANCHES) for size in computing]
    one = _step_seconds(Shape(1, 1), computing, tokens, latents, config, options)
    rows = []
    for shape in sorted(shapes, key=lambda shape: (shape.processes, shape.branches)):
        seconds = _step_seconds(shape, computing, tokens, latents, config, options)
        forwards = _BRANCHES / shape.branches
        rows.append(
            Row(
                {**case.labels, "variant": str(variant), "way": shape.way, "processes": shape.processes},
                {
                    "computing_seconds": forwards * computing[shape.sequence],
                    "sent_gigabytes": forwards * sent_bytes(tokens, shape.sequence, config) / _GIGA,
                    "step_seconds": seconds,
                    "times_one": one / seconds,
                },
            )
        )
    return rows


def _step_seconds(
    shape: Shape,
    computing: dict[int, float],
    tokens: int,
    latents: int,
    config: TransformerConfig,
    options: argparse.Namespace,
) -> float:
    """Nothing that is exchanged is taken to be hidden behind computing, of which three quarters could be.

    Beyond a machine the halves are on machines of their own, and exchange the velocity alone.
    """
    forwards = _BRANCHES / shape.branches
    exchanging = sent_bytes(tokens, shape.sequence, config) / (options.bandwidth * _GIGA)
    velocity = 0.0
    if shape.branches > 1:
        rate = options.network if shape.processes > _GPUS_A_MACHINE else options.bandwidth
        velocity = latents * _VELOCITY_BYTES / (rate * _GIGA)
    return forwards * (computing[shape.sequence] + exchanging) + velocity


def sent_bytes(tokens: int, processes: int, config: TransformerConfig) -> float:
    """What the process with the most tokens sends in a forward pass, in 16 bits."""
    own = max(divide_tokens(tokens, 0, processes, 0).counts)
    return config.num_layers * _EXCHANGES * own * config.model_dim * 2 * (processes - 1) / processes


def _describe(options: argparse.Namespace, config: TransformerConfig, whole: TransformerConfig) -> str:
    if options.processes:
        return "A guided step of the transformer with random weights, shared by processes with a GPU each."
    part = "" if config == whole else f", scaled up from {config.num_layers} of {whole.num_layers} blocks"
    return (
        f"What a process of a group computes of a guided step, measured on one device{part}, and the step worked out "
        f"with {options.bandwidth:g} GB/s within a machine and {options.network:g} GB/s beyond it."
    )
