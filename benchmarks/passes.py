"""Passes of the transformer, measured by variant: what `forward` and `step` have in common."""

import argparse
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from benchmarks.arguments import Size, choose_dtype
from benchmarks.clips import ClipCase, draw_conditioning, draw_latents, list_cases
from benchmarks.distances import relative_distance
from benchmarks.machine import allocated_gib, alternate, peak_gib, reset_peak, weights_gib
from benchmarks.models import with_layers
from benchmarks.operations import count_work
from benchmarks.report import Report, Row, stated
from benchmarks.surroundings import describe_surroundings
from benchmarks.variants import Variant, without_blocks
from s2v_runner.errors import InputError
from s2v_runner.transformer import Conditioning, S2VTransformer, TransformerConfig, plain_backend
from s2v_runner.transformer.initialisation import random_transformer

Call = Callable[[], torch.Tensor]
Begin = Callable[[S2VTransformer, Conditioning, torch.Tensor], Call]
"""Does what is done once a clip, and gives what is repeated; told the noisy latents [B, C, F, H, W] as well."""

_REST = "without blocks"


@dataclass(frozen=True)
class Pass:
    """What is timed."""

    name: str
    measured: str
    """In words, for the report."""
    forwards: int
    """Forward passes in it."""
    begin: Begin


@dataclass(frozen=True)
class Measured:
    """What one transformer took."""

    seconds: tuple[float, ...]
    prepare_seconds: tuple[float, ...]
    peak_gib: float | None
    """What it would have taken alone: other variants' weights are not counted."""
    difference: float
    """Relative L2 distance of what came out from what the first transformer gave."""


@torch.no_grad()
def measure_passes(timed: Pass, options: argparse.Namespace) -> Report:
    """Every case with every variant. Raises InputError for variants that cannot run."""
    device, model = options.device, options.model
    whole: TransformerConfig = model.transformer
    layers = whole.num_layers if options.layers is None else options.layers
    if layers > whole.num_layers:
        raise InputError(f"--layers {layers}", f"the model has {whole.num_layers} blocks", "Give as many or fewer")
    config = with_layers(whole, layers)
    dtype = choose_dtype(options.dtype, device)
    variants: dict[str, Variant] = {str(variant): variant for variant in options.variants}
    for variant in variants.values():
        variant.check(config, device, dtype)
    plain = random_transformer(config, plain_backend("sdpa"), device, dtype, seed=0)
    transformers = {name: variant.build(plain) for name, variant in variants.items()}
    if layers < whole.num_layers:
        transformers[_REST] = without_blocks(plain)
    del plain

    rows = []
    sizes, frames = options.sizes or [Size(model.size)], options.frames or [model.frames]
    for case in list_cases(sizes, frames, options.clips):
        found = measure_case(transformers, case, timed.begin, options.repeats)
        rest = found.pop(_REST, None)
        work = count_work(config, case)
        for name, measured in found.items():
            figures = _figures(timed, measured, work.tflop * timed.forwards)
            figures |= {"tokens": work.tokens, "weights_gib": weights_gib(transformers[name])}
            if rest is not None:
                figures |= _scaled_up(timed.name, measured, rest, whole.num_layers / layers)
            repeats = {f"{timed.name}_seconds": measured.seconds, "prepare_seconds": measured.prepare_seconds}
            rows.append(Row({**case.labels, "variant": name}, figures, repeats))
    return Report(
        benchmark=timed.name,
        measured=timed.measured + _describe_part(config, whole),
        options=stated(
            {
                **vars(options),
                "model": model.name,
                "layers": layers,
                "sizes": sizes,
                "frames": frames,
                "dtype": str(dtype).removeprefix("torch."),
            }
        ),
        **describe_surroundings(device, options.commit),
        rows=tuple(rows),
    )


def measure_case(
    transformers: Mapping[str, S2VTransformer], case: ClipCase, begin: Begin, repeats: int
) -> dict[str, Measured]:
    """One case with each transformer in turn, after each has run once."""
    first = next(iter(transformers.values()))
    device = first.head.modulation.device
    empty = allocated_gib(device)
    conditioning = draw_conditioning(first.config, case, device)
    latents = draw_latents(first.config, case, device)
    inputs = allocated_gib(device) - empty
    calls: dict[str, Call] = {}
    answers: dict[str, torch.Tensor] = {}
    peaks: dict[str, float] = {}
    for name, transformer in transformers.items():
        before = allocated_gib(device)
        reset_peak(device)
        calls[name] = begin(transformer, conditioning, latents)
        answers[name] = calls[name]()
        peaks[name] = weights_gib(transformer) + inputs + peak_gib(device) - before
    reference = next(iter(answers.values()))
    differences = {name: relative_distance(answer, reference) for name, answer in answers.items()}
    del answers, reference

    def prepare_with(transformer: S2VTransformer) -> Callable[[], object]:
        return lambda: begin(transformer, conditioning, latents)

    prepares = alternate(device, {name: prepare_with(each) for name, each in transformers.items()}, repeats)
    seconds = alternate(device, calls, repeats)
    return {
        name: Measured(
            seconds=seconds[name],
            prepare_seconds=prepares[name],
            peak_gib=peaks[name] if device.type == "cuda" else None,
            difference=differences[name],
        )
        for name in transformers
    }


def _figures(timed: Pass, measured: Measured, tflop: float) -> dict[str, float | None]:
    seconds = statistics.median(measured.seconds)
    return {
        f"{timed.name}_seconds": seconds,
        "prepare_seconds": statistics.median(measured.prepare_seconds),
        "tflop": tflop,
        "tflop_per_second": tflop / seconds,
        "peak_gib": measured.peak_gib,
        "difference": measured.difference,
    }


def _scaled_up(name: str, measured: Measured, rest: Measured, factor: float) -> dict[str, float | None]:
    """Seconds with all blocks: each as long as the measured ones on average, what is around them once."""

    def scale(part: tuple[float, ...], around: tuple[float, ...]) -> float:
        beside = statistics.median(around)
        return beside + (statistics.median(part) - beside) * factor

    return {
        f"{name}_seconds_scaled_up": scale(measured.seconds, rest.seconds),
        "prepare_seconds_scaled_up": scale(measured.prepare_seconds, rest.prepare_seconds),
    }


def _describe_part(config: TransformerConfig, whole: TransformerConfig) -> str:
    if config == whole:
        return ""
    hearing, all_hearing = len(config.audio_injection_layers), len(whole.audio_injection_layers)
    return (
        f" {config.num_layers} of {whole.num_layers} blocks were measured, {hearing} of the {all_hearing} that hear "
        "the speech among them; figures that are called scaled up are for all of them."
    )
