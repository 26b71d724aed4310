"""Which networks judge a video: those whose weights are given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from s2v_runner.metrics.measures import Measure, unknown
from s2v_runner.metrics.views import Box, Gauge
from s2v_runner.metrics.weighted.files import check_clip, check_dino, check_onnx, check_tensors

if TYPE_CHECKING:
    import torch

METRICS_OF = {
    "syncnet": ("sync_c", "sync_d", "sync_offset"),
    "arcface": ("face_similarity",),
    "clip": ("clip_score",),
    "lpips": ("lpips",),
    "dino": ("dino_similarity",),
}
"""The keys of the metrics that each setting makes possible."""


@dataclass(frozen=True, kw_only=True)
class WeightPaths:
    """The user's files and folders, by the keys of `metrics`; None for what was not given."""

    syncnet: Path | None
    arcface: Path | None
    clip: Path | None
    lpips: Path | None
    dino: Path | None


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What is known of a video before its first frame."""

    picture: np.ndarray
    """The picture as it was fitted, [rows, columns, 3], 8 bits, of the size of the frames."""
    picture_face: Box | None
    """Where the face is in it; None where none was found."""
    samples: np.ndarray
    """The speech, mono at 16 kHz, float32 of −1 to 1, beginning with the video."""
    fps: float
    prompt: str


def check_weights(weights: WeightPaths) -> None:
    """Look at the files that are given, as far as that is quick.

    Raises InputError for what is missing, or plainly of another kind. Names and shapes are compared later, on loading.
    """
    checks: dict[str, Callable[[str, Path], None]] = {
        "syncnet": check_tensors,
        "arcface": check_onnx,
        "clip": check_clip,
        "lpips": check_tensors,
        "dino": check_dino,
    }
    for key, check in checks.items():
        path: Path | None = getattr(weights, key)
        if path is not None:
            check(key, path)


def choose_weighted_gauges(
    weights: WeightPaths, facts: VideoFacts, device: "torch.device"
) -> tuple[list[Gauge], dict[str, Measure]]:
    """The gauges of what is given, and of the other metrics why they are not known.

    Networks of PyTorch's run on `device`, ArcFace on the CPU. Raises InputError for weights that are not what they
    should be.
    """
    build: dict[str, Callable[[Path], Gauge]] = {
        "syncnet": lambda path: _build_syncnet(path, facts, device),
        "arcface": lambda path: _build_arcface(path, facts),
        "clip": lambda path: _build_clip(path, facts, device),
        "lpips": lambda path: _build_lpips(path, facts, device),
        "dino": lambda path: _build_dino(path, facts, device),
    }
    gauges: list[Gauge] = []
    reasons: dict[str, Measure] = {}
    for key, metrics in METRICS_OF.items():
        path: Path | None = getattr(weights, key)
        if path is None:
            reasons |= dict.fromkeys(metrics, unknown(f"metrics.{key} is not given"))
        else:
            gauges.append(build[key](path))
    return gauges, reasons


# Imported where they are wanted: each brings PyTorch, Transformers or ONNX Runtime with it.


def _build_syncnet(path: Path, facts: VideoFacts, device: "torch.device") -> Gauge:
    from s2v_runner.metrics.weighted.syncnet import SyncNetGauge

    return SyncNetGauge(path, facts.samples, facts.fps, device)


def _build_arcface(path: Path, facts: VideoFacts) -> Gauge:
    from s2v_runner.metrics.weighted.arcface import ArcFaceGauge

    return ArcFaceGauge(path, facts.picture, facts.picture_face, facts.fps)


def _build_clip(folder: Path, facts: VideoFacts, device: "torch.device") -> Gauge:
    from s2v_runner.metrics.weighted.clip import ClipGauge

    return ClipGauge(folder, facts.prompt, facts.fps, device)


def _build_lpips(path: Path, facts: VideoFacts, device: "torch.device") -> Gauge:
    from s2v_runner.metrics.weighted.lpips import LpipsGauge

    return LpipsGauge(path, facts.picture, facts.fps, device)


def _build_dino(folder: Path, facts: VideoFacts, device: "torch.device") -> Gauge:
    from s2v_runner.metrics.weighted.dino import DinoGauge

    return DinoGauge(folder, facts.picture, facts.fps, device)
