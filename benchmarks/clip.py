"""Time and peak memory of a whole generation, by stage and memory mode, with random weights.

    python -m benchmarks clip --size 1024*704 --steps 2 --clips 2 --memory resident offload --out clip.json

Needs the project's libraries and no weights. Noise stands for the picture and the speech. What the run would take with
all its steps is worked out from those that were measured, and called so.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image

from benchmarks.arguments import (
    DTYPES,
    Size,
    add_model,
    choose_dtype,
    make_suite_parser,
    parse_count,
    parse_frames,
    parse_size,
    parse_variant_argument,
)
from benchmarks.distances import relative_distance
from benchmarks.engines import random_engine
from benchmarks.machine import allocated_gib, synchronise
from benchmarks.models import MOTION_FRAMES
from benchmarks.report import Report, Row, keep_report, stated
from benchmarks.stages import StageMeter
from benchmarks.surroundings import describe_surroundings
from benchmarks.variants import Variant
from s2v_runner.conditioning.cache import NO_CACHE
from s2v_runner.engine import Engine
from s2v_runner.estimate import MEMORY_MODES
from s2v_runner.generation import Watch, generate
from s2v_runner.plan import SPEECH_RATE
from s2v_runner.records import EVERY_PASS, FIXED, Request
from s2v_runner.sampling.clips import ClipEnd, Frames
from s2v_runner.video.pixels import to_eight_bit

_FRAMES_A_SECOND = 16
_WHOLE = "whole"
_STEP = "step"


@dataclass(frozen=True)
class Measured:
    """What one generation took."""

    meter: StageMeter
    seconds: float
    frames_FHWC: torch.Tensor
    """What was made, in 8 bits."""
    step_seconds: dict[int, list[float]]
    """Of each clip's steps; the first of a clip includes preparing it."""


def main(arguments: Sequence[str]) -> None:
    options = _parse(arguments)
    device, model = options.device, options.model
    dtype = choose_dtype(options.dtype, device)
    options.variant.check(model.transformer, device, dtype)
    size, frames = options.size or Size(model.size), options.frames or model.frames
    rows: list[Row] = []
    first: Measured | None = None
    with _request(size, frames, options.clips, options.steps) as request:
        for memory in options.memory:
            engine = random_engine(model, device, dtype, options.variant, memory)
            weights = allocated_gib(device)
            measured = measure(request, engine)
            first = first or measured
            rows += _rows(measured, first, memory, weights, options)
            del engine
            _empty(device)
    report = Report(
        benchmark="clip",
        measured="A whole generation with random weights of a picture and speech that are noise. Figures that are "
        f"called extrapolated are for {options.full_steps} steps a clip, from the {options.steps} that were measured; "
        "the difference is that of the frames in 8 bits, as a relative L2 distance, from what the first mode made.",
        options=stated({**vars(options), "model": model.name, "size": size, "frames": frames, "dtype": str(dtype)}),
        **describe_surroundings(device, options.commit),
        rows=tuple(rows),
    )
    keep_report(options.out, report)


def measure(request: Request, engine: Engine) -> Measured:
    """One generation."""
    device = engine.settings.device
    synchronise(device)
    meter = StageMeter(device)
    begin = time.perf_counter()
    step_seconds: dict[int, list[float]] = {}
    frames: list[np.ndarray] = []
    watch = Watch(meter.stage, lambda clip, *_: step_seconds.setdefault(clip + 1, []).append(meter.lap()))
    for part in generate(request, engine, watch, None, NO_CACHE):
        if isinstance(part, Frames):
            frames.append(to_eight_bit(part.video_BCVHW, request.compat))
        elif isinstance(part, ClipEnd):
            meter.clip += 1
    synchronise(device)
    return Measured(meter, time.perf_counter() - begin, torch.from_numpy(np.concatenate(frames)), step_seconds)


def _rows(
    measured: Measured, first: Measured, memory: str, weights: float, options: argparse.Namespace
) -> Iterator[Row]:
    on_gpu = options.device.type == "cuda"
    meter = measured.meter
    peaks = meter.peaks_gib
    for stage, seconds in meter.seconds.items():
        labels = {"memory": memory, "stage": stage.name} | ({} if stage.clip is None else {"clip": stage.clip})
        yield Row(labels, {"seconds": seconds, "peak_gib": peaks[stage] if on_gpu else None})
    missing = 0.0
    for clip, steps in measured.step_seconds.items():
        # The first step waits for what was prepared; where there is no other, it stands for itself.
        step = statistics.median(steps[1:] or steps)
        missing += step * (options.full_steps - options.steps)
        yield Row({"memory": memory, "stage": _STEP, "clip": clip}, {"seconds": step}, {"seconds": steps})
    figures = {
        "seconds": measured.seconds,
        "extrapolated_seconds": measured.seconds + missing,
        "peak_gib": meter.peak_gib if on_gpu else None,
        "weights_gib": weights if on_gpu else None,
        "frames": len(measured.frames_FHWC),
        "frame_difference": relative_distance(measured.frames_FHWC, first.frames_FHWC),
    }
    yield Row({"memory": memory, "stage": _WHOLE}, figures)


@contextmanager
def _request(size: Size, frames: int, clips: int, steps: int) -> Iterator[Request]:
    """With a picture and speech of noise, for as long as the files are there."""
    width, height = size
    samples = round((clips * frames - 3) / _FRAMES_A_SECOND * SPEECH_RATE)
    noise = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        image, audio = Path(folder) / "picture.png", Path(folder) / "speech.wav"
        Image.fromarray(noise.integers(0, 256, (height, width, 3), np.uint8)).save(image)
        soundfile.write(audio, noise.normal(0, 0.1, size=(samples,)), SPEECH_RATE)
        yield Request(
            prompt="someone speaks",
            negative_prompt=None,
            image=image,
            audio=audio,
            pose_video=None,
            area=width * height,
            exact_size=None,
            infer_frames=frames,
            num_clip=clips,
            start_from_ref=False,
            solver="unipc",
            steps=steps,
            shift=5.0,
            guide_scale=4.5,
            base_seed=0,
            motion_frames=MOTION_FRAMES,
            sample_fps=_FRAMES_A_SECOND,
            compat=FIXED,
            economy=EVERY_PASS,
        )


def _empty(device: torch.device) -> None:
    """Give back what the last engine held."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = make_suite_parser("clip", __doc__)
    add_model(parser)
    parser.add_argument("--size", type=parse_size, help="width*height of the video; the model's own")
    parser.add_argument("--frames", type=parse_frames, help="video frames of a clip; the model's own")
    parser.add_argument("--clips", type=parse_count, default=2)
    parser.add_argument("--steps", type=parse_count, default=2)
    parser.add_argument("--full-steps", type=parse_count, default=40, help="what is extrapolated to (%(default)s)")
    parser.add_argument("--memory", choices=MEMORY_MODES, nargs="+", default=["resident"])
    parser.add_argument("--dtype", choices=tuple(DTYPES), help="bfloat16 on a GPU, else float32")
    on_gpu = torch.cuda.is_available()
    parser.add_argument("--variant", type=parse_variant_argument, default=Variant("sdpa_cudnn" if on_gpu else "sdpa"))
    return parser.parse_args(arguments)
