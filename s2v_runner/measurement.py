"""The measuring of one run's video while its frames go by."""

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from s2v_runner.config.resolve import as_weights, read_place
from s2v_runner.inputs.audio import read_sound
from s2v_runner.inputs.picture import fit_picture, read_picture
from s2v_runner.metrics.measures import Reading
from s2v_runner.metrics.weighted.choice import VideoFacts, choose_weighted_gauges
from s2v_runner.plan import heard_seconds
from s2v_runner.prepare import PreparedRun
from s2v_runner.records import RunPlan


class Meter(Protocol):
    """Is shown every frame of a video."""

    def take(self, frames: np.ndarray, finite: Sequence[bool]) -> None: ...

    def read(self) -> Reading: ...


class NoMeter:
    """Where nothing is to be measured."""

    def take(self, frames: np.ndarray, finite: Sequence[bool]) -> None:
        pass

    def read(self) -> Reading:
        return Reading({}, {}, ())


def open_meter(run: PreparedRun, device: torch.device) -> Meter:
    """What measures the video of a run as it was asked for; networks that judge it run on `device`.

    Raises InputError for inputs that cannot be read, and for weights that are not what they should be.
    """
    return _METERS[run.config.metrics.method](run, device)


def _open_panel(run: PreparedRun, device: torch.device) -> Meter:
    # Late: they bring OpenCV.
    from s2v_runner.metrics.faces import choose_face
    from s2v_runner.metrics.panel import Measured, Panel

    plan, request, metrics = run.plan, run.request, run.config.metrics
    with warnings.catch_warnings():
        # Whoever makes the video is told of a silent recording.
        warnings.simplefilter("ignore")
        sound = read_sound(request.audio, heard_seconds(request, plan))
    picture = fit_picture(read_picture(request.image, request.compat), plan.height, plan.width, request.compat)
    picture = np.ascontiguousarray(crop_to_output(picture[None], plan)[0])
    face = choose_face(picture, read_place("metrics.face", metrics.face))
    video = Measured(
        picture_rgb=picture,
        samples=sound.samples,
        rate=sound.rate,
        fps=request.sample_fps,
        clip_starts=tuple(plan.frames_before(clip) for clip in range(plan.num_clips)),
        mouth=read_place("metrics.mouth", metrics.mouth),
    )
    facts = VideoFacts(
        picture=picture,
        picture_face=face.in_picture,
        samples=sound.samples,
        fps=request.sample_fps,
        prompt=request.prompt,
    )
    return Panel(video, face, *choose_weighted_gauges(as_weights(metrics), facts, device))


_METERS = {"none": lambda *_: NoMeter(), "basic": _open_panel}


def crop_to_output(frames: np.ndarray, plan: RunPlan) -> np.ndarray:
    """The middle of each frame [frames, rows, columns, 3], at the size of the finished video."""
    top, left = (plan.height - plan.output_height) // 2, (plan.width - plan.output_width) // 2
    return frames[:, top : top + plan.output_height, left : left + plan.output_width]
