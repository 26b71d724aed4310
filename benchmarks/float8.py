"""What 8 bits do to videos of the demo model: whole trajectories in each precision, against those in float32.

    python -m benchmarks float8 --cases 6 --kept outputs/float8.jsonl --out benchmarks/results/float8-demo.json

Each case, of people, voices and sentences that no training has met, is made in every way from the same noise. Cases
that the file of --kept has already are passed over, so that the same command goes on where it was stopped.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import make_suite_parser, parse_count, parse_device
from benchmarks.distances import relative_distance
from benchmarks.float8_arms import ARMS, EVERYWHERE, EXACT
from benchmarks.report import Report, Row, keep_report, stated
from benchmarks.surroundings import describe_surroundings
from demo.evaluation.cases import GROUPS, POOLS, Case, draw_cases
from demo.evaluation.likeness import compare_looks
from demo.evaluation.making import Made, Maker, Settings, default_request, default_settings, load_engine
from demo.evaluation.measures import LAGS, correlate, lagged
from demo.reading import READER_FILE, Reader, load_reader, read_faces, true_readings
from s2v_runner.checkpoint.layout import locate_checkpoint
from s2v_runner.config.places import asset
from s2v_runner.digests import digest_checkpoint
from s2v_runner.plan import FIRST_LATENT_LOSS

_POOL, _GROUP = "held-out", "plain"
_PIXEL_PEAK = 2.0
"""Of −1 … 1."""
_SHORTEST_SHARE = 4
"""Lags up to a quarter of the clip are tried."""
_TRUTHS = ("mouth_r", "lag", "ssim", "face_error")
"""Measures against the drawn truth, which each have a change from float32."""

Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class Asked:
    """What is made of every case."""

    checkpoint: Path
    device: str
    arms: tuple[str, ...]
    """The first is what the others are held against."""
    frames: int
    steps: int | None
    """The model's own where None."""


def main(arguments: Sequence[str]) -> None:
    options = _parse(arguments)
    arms = tuple(dict.fromkeys((EXACT, *options.arms)))
    asked = Asked(options.checkpoint, str(options.device), arms, options.frames, options.steps)
    drawn = draw_cases(POOLS[_POOL], GROUPS[_GROUP], options.cases, options.seed)
    cases = [_first_frames(case, options.frames) for case in drawn]
    key = _key(asked)
    found = _read_kept(options.kept, key)
    wanted = [case for case in cases if case.name not in found]
    for name, figures in _measure_cases(wanted, asked, options.processes):
        found[name] = figures
        _keep(options.kept, key, name, figures)
    settings = _settings(asked)
    report = Report(
        benchmark="float8",
        measured=f"Videos of {options.frames} frames of {len(cases)} {_POOL} cases, {settings.steps} steps of "
        f"{settings.solver}, guidance {settings.guide_scale:g}, from the same noise in every arm. Attention in float8 "
        "is emulated unless it is called flash_3_float8. Means over the cases. Latents and frames are compared with "
        "those of float32; the peak of the latents' PSNR is the range of the exact latents, largest less smallest. "
        "Mouth r, lag, ssim and face error are against the drawn truth; a change is the mean of the differences to "
        "float32 case by case, with its standard error.",
        options=stated({"device": options.device, "cases": options.cases, "seed": options.seed, **key}),
        **describe_surroundings(options.device, options.commit),
        rows=tuple(summarise(arms, [found[case.name] for case in cases])),
    )
    keep_report(options.out, report)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = make_suite_parser("float8", __doc__)
    parser.add_argument("--device", type=parse_device, default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--checkpoint", type=Path, default=Path(asset("demo_model")), help="the demo model")
    parser.add_argument("--arms", choices=tuple(ARMS), nargs="+", default=list(EVERYWHERE), help="beside float32")
    parser.add_argument("--cases", type=parse_count, default=6, help="videos in each arm (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first case (%(default)s)")
    parser.add_argument("--frames", type=_parse_frames, default=77, help="of each video, which is one clip")
    parser.add_argument("--steps", type=parse_count, help="the model's own")
    parser.add_argument("--processes", type=parse_count, default=1, help="that share the cases and the cores")
    parser.add_argument("--kept", type=Path, help="where what was measured of each case is kept, a line of JSON each")
    return parser.parse_args(arguments)


def _parse_frames(text: str) -> int:
    longest = GROUPS[_GROUP].frames
    if not text.isdigit() or not 0 < int(text) <= longest or (int(text) + FIRST_LATENT_LOSS) % 4:
        raise argparse.ArgumentTypeError(f"{text}: give a multiple of 4 less 3, up to {longest}")
    return int(text)


def _first_frames(case: Case, frames: int) -> Case:
    marks = {name: getattr(case, name)[:frames] for name in ("closed", "voiced", "silent")}
    return replace(case, performance=case.performance.window(0, frames), **marks)


def _settings(asked: Asked) -> Settings:
    own = default_settings(default_request())
    return replace(own, steps=asked.steps or own.steps, infer_frames=asked.frames + FIRST_LATENT_LOSS)


def _measure_cases(
    cases: Sequence[Case], asked: Asked, processes: int
) -> Iterator[tuple[str, dict[str, dict[str, float | None]]]]:
    """The figures of each case by arm, in the order in which they are done."""
    if processes == 1:
        yield from ((case.name, measure_case(case, asked)) for case in cases)
        return
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(threads,)
    ) as pool:
        named = {pool.submit(measure_case, case, asked): case.name for case in cases}
        yield from ((named[done], done.result()) for done in as_completed(named))


@dataclass(frozen=True)
class _Workshop:
    """What a process has loaded."""

    makers: Mapping[str, Maker]
    reader: Reader


@cache
def _workshop(checkpoint: Path, device: str, arms: tuple[str, ...]) -> _Workshop:
    settings = load_engine(checkpoint, torch.device(device)).settings
    makers = {name: Maker(ARMS[name].engine(settings), default_request()) for name in arms}
    return _Workshop(makers, load_reader(READER_FILE).to(device))


def measure_case(case: Case, asked: Asked) -> dict[str, dict[str, float | None]]:
    """One case in every arm. Raises InputError and GenerationError."""
    workshop, settings = _workshop(asked.checkpoint, asked.device, asked.arms), _settings(asked)
    found: dict[str, dict[str, float | None]] = {}
    exact: Made | None = None
    for name, maker in workshop.makers.items():
        began = time.perf_counter()
        made = maker.make(case, settings)
        found[name] = {**_compare(made, exact), **_judge(made.video_BCVHW, case, workshop.reader)}
        exact = exact or made
        print(f"{case.name}, {name}: {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    return found


def _compare(made: Made, exact: Made | None) -> dict[str, float | None]:
    """How far a video is from the exact one, before and after it is decoded."""
    if exact is None:
        return dict.fromkeys(("latent_psnr", "latent_difference", "frame_psnr"))
    (latents,), (exact_latents,) = made.latents, exact.latents
    return {
        "latent_psnr": _psnr(latents, exact_latents, float(exact_latents.max() - exact_latents.min())),
        "latent_difference": relative_distance(latents, exact_latents),
        "frame_psnr": _psnr(made.video_BCVHW, exact.video_BCVHW, _PIXEL_PEAK),
    }


def _psnr(one: torch.Tensor, exact: torch.Tensor, peak: float) -> float | None:
    """In dB; None where there is no error."""
    error = float((one.double() - exact.double()).square().mean())
    return 10 * math.log10(peak**2 / error) if error else None


def _judge(video_BCVHW: torch.Tensor, case: Case, reader: Reader) -> dict[str, float | None]:
    """How a video compares with the drawn truth."""
    device = video_BCVHW.device
    readings = read_faces(reader, video_BCVHW)
    truth = true_readings(case.identities, case.performance).opening[0].double().numpy()
    read = readings.opening[0].double().cpu().numpy()
    lags = [lag for lag in LAGS if abs(lag) <= case.frames // _SHORTEST_SHARE]
    looks = compare_looks(video_BCVHW, case.identities.to(device), case.portrait.to(device), readings)
    return {
        "mouth_r": correlate(read, truth),
        "lag": float(max(lags, key=lambda lag: correlate(*lagged(read, truth, lag)))),
        "ssim": float(looks.ssim.mean()),
        "face_error": float(looks.face_error.mean()),
    }


def summarise(arms: Sequence[str], cases: Sequence[Mapping[str, Figures]]) -> Iterator[Row]:
    """A row for each arm: means over the cases, and the mean change of what is measured against the truth."""
    for name in arms:
        own = [case[name] for case in cases]
        repeats = {key: [value for one in own if (value := one[key]) is not None] for key in own[0]}
        figures: dict[str, float | None] = {
            key: float(np.mean(values)) if values else None for key, values in repeats.items()
        }
        for key in _TRUTHS if name != EXACT else ():
            pairs = zip(repeats[key], (case[EXACT][key] for case in cases), strict=True)
            changes = [value - exact for value, exact in pairs if exact is not None]
            figures[f"{key}_change"] = float(np.mean(changes))
            figures[f"{key}_change_error"] = _standard_error(changes)
        yield Row({"arm": name, **ARMS[name].labels, "cases": len(cases)}, figures, repeats)


def _standard_error(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def _key(asked: Asked) -> dict[str, Any]:
    """What was asked, as JSON; the checkpoint by what is in it."""
    found = {**vars(asked), "arms": list(asked.arms), "steps": _settings(asked).steps}
    return {**found, "checkpoint": digest_checkpoint(locate_checkpoint(asked.checkpoint))}


def _read_kept(path: Path | None, key: Mapping[str, Any]) -> dict[str, Any]:
    """The cases of which the same was asked."""
    if path is None or not path.is_file():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["case"]: line["figures"] for line in lines if line["asked"] == key}


def _keep(path: Path | None, key: Mapping[str, Any], name: str, figures: Mapping[str, Figures]) -> None:
    if path is None:
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"case": name, "asked": key, "figures": figures}) + "\n")
