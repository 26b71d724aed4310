"""What measuring a video without weights costs: milliseconds of one core for a frame.

    python -m benchmarks metrics --size 1024x704 --frames 48 --out benchmarks/results/metrics.json

The shipped picture moves about with grain on it, so that the optical flow has work to do and a face is found.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.arguments import parse_size
from benchmarks.machine import write_report
from s2v_runner.config.places import asset
from s2v_runner.metrics.faces import choose_face
from s2v_runner.metrics.panel import Measured, Panel
from s2v_runner.plan import SPEECH_RATE

_FPS = 16


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks metrics", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=parse_size, default=(1024, 704), help="width and height, as 1024x704")
    parser.add_argument("--frames", type=int, default=48, help="how many (%(default)s)")
    parser.add_argument("--out", type=Path, help="where to write the report, as JSON")
    options = parser.parse_args(arguments)
    width, height = options.size
    # One thread, and the time of the processor: what else the machine does is not counted.
    cv2.setNumThreads(1)
    frames = list(_move_picture(width, height, options.frames))
    panel = Panel(_describe(frames), choose_face(frames[0], None), (), {})
    begin = time.process_time()
    for frame in frames:
        panel.take(frame[None], [True])
    reading = panel.read()
    seconds = time.process_time() - begin
    known = sum(measure.value is not None for measure in reading.measures.values())
    report = {
        "width": width,
        "height": height,
        "frames": len(frames),
        "milliseconds_a_frame": round(1000 * seconds / len(frames), 2),
        "metrics_known": known,
    }
    write_report(options.out, report)


def _move_picture(width: int, height: int, count: int) -> Iterator[np.ndarray]:
    with Image.open(asset("picture.png")) as image:
        picture = np.asarray(image.convert("RGB").resize((width, height)))
    rng = np.random.default_rng(0)
    for index in range(count):
        shift = np.array([[1, 0, 6 * np.sin(index / 3)], [0, 1, 3 * np.cos(index / 5)]])
        moved = cv2.warpAffine(picture, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(moved + rng.normal(0, 2, moved.shape), 0, 255).astype(np.uint8)


def _describe(frames: list[np.ndarray]) -> Measured:
    samples = np.random.default_rng(1).normal(0, 0.1, len(frames) * SPEECH_RATE // _FPS).astype(np.float32)
    starts = (0, len(frames) // 2)
    return Measured(picture_rgb=frames[0], samples=samples, rate=SPEECH_RATE, fps=_FPS, clip_starts=starts, mouth=None)
