"""The configuration → what the stages take. Every choice that a setting leaves open is made here or in the plan."""

import re
from dataclasses import replace
from pathlib import Path

from s2v_runner.calibration.file import read_calibration
from s2v_runner.config.schema import AUTO, MetricsConfig, RunConfig, SpeedConfig
from s2v_runner.errors import InputError
from s2v_runner.metrics.views import Box
from s2v_runner.metrics.weighted.choice import METRICS_OF, WeightPaths, check_weights
from s2v_runner.records import Compat, Economy, Request

_SIZE = re.compile(r"(\d+)[*xX](\d+)")


def as_request(config: RunConfig, base_seed: int) -> Request:
    """What is to be generated. Raises InputError for settings that contradict each other."""
    width, height = _parse_size(config.resolution.size)
    exact = config.resolution.fit == "exact"
    cap = config.resolution.max_area
    if exact and cap is not None and width * height > cap:
        raise InputError(
            f"resolution.size={config.resolution.size}",
            f"it has {width * height} pixels, resolution.max_area allows {cap}, and fit=exact keeps it whole",
            "Give a smaller size, or resolution.max_area=null",
        )
    shift = config.sampler.shift
    return Request(
        prompt=read_prompt(config),
        negative_prompt=config.negative_prompt,
        image=as_path(config.image),
        audio=as_path(config.audio.path),
        pose_video=_pose_video(config),
        area=width * height if cap is None else min(width * height, cap),
        exact_size=(height, width) if exact else None,
        infer_frames=config.infer_frames,
        num_clip=config.num_clip,
        start_from_ref=config.start_from_ref,
        solver=config.sampler.solver,
        steps=config.sampler.steps,
        shift=None if shift == AUTO else float(shift),
        guide_scale=config.sampler.guide_scale,
        economy=_economy(config.speed),
        base_seed=base_seed,
        motion_frames=config.model.motion_frames,
        sample_fps=config.model.sample_fps,
        compat=replace(Compat(**config.compat.model_dump()), picture_fit=config.fit, pose_end=config.pose.end),
    )


def _economy(speed: SpeedConfig) -> Economy:
    """Which passes are left out. Raises InputError for a calibration that cannot be read."""
    return Economy(
        guidance_from=speed.guidance_from,
        guidance_to=speed.guidance_to,
        guidance_every=speed.guidance_every,
        step_share=speed.step_share,
        levels=None if speed.calibration is None else read_calibration(as_path(speed.calibration)).levels,
    )


def read_place(key: str, text: str) -> Box | None:
    """A part of the frame as left,top,width,height in shares of it; None is to be looked for. Raises InputError."""
    if text == AUTO:
        return None
    try:
        box = Box(*(float(number) for number in text.split(",")))
    except (ValueError, TypeError) as error:
        raise _refuse_place(key, text, "it is not four numbers") from error
    inside = min(box.left, box.top) >= 0 and box.left + box.width <= 1 and box.top + box.height <= 1
    if not (inside and box.width > 0 and box.height > 0):
        raise _refuse_place(key, text, "it is not a part of the frame")
    return box


def check_metrics(config: RunConfig) -> None:
    """Raises InputError for what cannot be measured as it was asked."""
    read_place("metrics.face", config.metrics.face)
    read_place("metrics.mouth", config.metrics.mouth)
    check_weights(as_weights(config.metrics))


def as_weights(metrics: MetricsConfig) -> WeightPaths:
    """Where the weights of the networks lie that judge videos."""
    given = {key: getattr(metrics, key) for key in METRICS_OF}
    return WeightPaths(**{key: None if text is None else as_path(text) for key, text in given.items()})


def _refuse_place(key: str, text: str, problem: str) -> InputError:
    remedy = "Give left,top,width,height between 0 and 1, as in 0.3,0.2,0.4,0.4, or auto"
    return InputError(f"{key}={text}", problem, remedy)


def as_path(text: str) -> Path:
    """A path, `~` at its beginning understood where there is such a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def read_prompt(config: RunConfig) -> str:
    """The prompt, from its file where one is given. Raises InputError."""
    if config.prompt_file is None:
        return config.prompt
    path = as_path(config.prompt_file)
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise InputError(
            f"prompt_file '{path}'", f"it cannot be read ({error})", "Give a text file in UTF-8"
        ) from error
    if not text:
        raise InputError(f"prompt_file '{path}'", "it is empty", "Write the prompt into it")
    return text


def _parse_size(size: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(size.strip())
    if match is None:
        raise InputError(f"resolution.size={size}", "it is no width*height", "Give pixels, such as 1024*704")
    return int(match[1]), int(match[2])


def _pose_video(config: RunConfig) -> Path | None:
    pose = config.pose
    if pose.method == "none":
        if pose.path is not None:
            raise InputError(f"pose.path={pose.path}", "it is given and pose=none", "Add pose=video")
        return None
    if pose.path is None:
        raise InputError("pose.path", f"pose={pose.method} needs a video", "Give its path")
    return as_path(pose.path)
