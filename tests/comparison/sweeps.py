"""Sweeps that never were: folders as a sweep leaves them, with real videos whose look depends on the swept values.

`python -m tests.comparison.sweeps OUTPUTS --points 6` makes one to look at, and prints its folder.
"""

import argparse
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from s2v_runner.digests import digest_file, digest_of
from s2v_runner.tracking.definition import (
    FORMAT,
    PointDefinition,
    SweepDefinition,
    Value,
    point_folder,
    read_definition,
    write_definition,
)
from s2v_runner.tracking.folder import SWEEPS
from s2v_runner.tracking.journal import Journal, StepLine
from s2v_runner.tracking.record import FORMAT as RECORD_FORMAT
from s2v_runner.tracking.record import Attempt, Record, Status, read_record, write_record
from s2v_runner.video.lossless import LosslessWriter
from s2v_runner.video.sinks import FrameSink
from s2v_runner.video.tee import FrameSummary, FrameTee
from s2v_runner.video.writer import VideoWriter
from tests.comparison.looks import DEMO, Look, make_frames

Swept = Mapping[str, Sequence[Value]]

SEED = 1347279643
RATE = 16000
STARTED, ENDED = "2026-03-01T12:00:00+01:00", "2026-03-01T12:01:00+01:00"


def make_sweep(outputs: Path, swept: Swept, look: Look, **changes: Any) -> Path:
    """A finished sweep of every combination, with these fields of the definition changed; its folder."""
    points = tuple(
        PointDefinition(number=number, identity=digest_of(values), values=values)
        for number, values in enumerate(combinations(swept), 1)
    )
    identity = digest_of({"points": [point.identity for point in points], "look": vars(look)})
    words = tuple(f"{key}={','.join(map(str, values))}" for key, values in swept.items())
    definition = SweepDefinition(
        format=FORMAT,
        identity=identity,
        title=None,
        command=("/somewhere/s2v_runner/__main__.py", "-m", *words),
        swept=tuple(swept),
        base_seed=None if "base_seed" in swept else SEED,
        baseline=None,
        points=points,
        search=None,
    )
    definition = replace(definition, **changes)
    folder = outputs / SWEEPS / identity[:12]
    folder.mkdir(parents=True)
    write_definition(folder, definition)
    for point in points:
        make_point(folder, point, look)
    return folder


def make_point(sweep: Path, point: PointDefinition, look: Look) -> Record:
    """The folder of a point that has finished; what it asked for is in its record."""
    definition = read_definition(sweep)
    folder = point_folder(sweep, point)
    folder.mkdir(parents=True)
    speech = _keep_speech(sweep.parents[1], str(point.values.get("audio.path", "speech.wav")), look)
    frames, files = _write_video(folder, make_frames(definition, point, look), look, Path(speech["copy"]))
    steps = int(point.values.get("sampler.steps") or 10)
    _log_steps(folder, attempt=0, steps=steps)
    record = _describe(definition, point, look, speech, steps)
    record = replace(record, frames=vars(frames), files=files)
    write_record(folder, record)
    return record


def set_status(sweep: Path, number: int, status: Status, error: str | None) -> None:
    """Let a point have ended otherwise: without its video."""
    folder = folder_of(sweep, number)
    record = read_record(folder)
    attempt = replace(record.attempts[-1], status=status, error=error)
    write_record(folder, replace(record, status=status, attempts=(attempt,), files={}, frames=None))
    (folder / "video.mp4").unlink()


def change_record(sweep: Path, number: int, **changes: Any) -> None:
    """Change fields of a point's record."""
    folder = folder_of(sweep, number)
    write_record(folder, replace(read_record(folder), **changes))


def folder_of(sweep: Path, number: int) -> Path:
    return point_folder(sweep, read_definition(sweep).points[number - 1])


def combinations(swept: Swept) -> Iterator[dict[str, Value]]:
    """The values of each point, the last key changing fastest."""
    for values in product(*swept.values()):
        yield dict(zip(swept, values, strict=True))


def _write_video(
    folder: Path, frames: Iterator[np.ndarray], look: Look, speech: Path
) -> tuple[FrameSummary, dict[str, str]]:
    size: dict[str, Any] = {"height": look.height, "width": look.width, "fps": look.fps}
    writer = VideoWriter(
        path=folder / "video.mp4",
        num_frames=look.frames,
        audio=speech,
        crf=look.crf,
        audio_kbps=128,
        metadata={},
        **size,
    )
    sinks: list[FrameSink] = [writer]
    files = {"video": "video.mp4"}
    if look.lossless:
        sinks.append(LosslessWriter(path=folder / "frames.mkv", **size))
        files["frames"] = "frames.mkv"
    tee = FrameTee(sinks, look.frames)
    for pixels in frames:
        tee.write(pixels[None])
    return tee.close(), files


def _keep_speech(outputs: Path, name: str, look: Look) -> dict[str, str]:
    """A recording of its own for each name: a voice-like hum in syllables, as a run's record has it."""
    made = outputs / "recordings" / Path(name).name
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        times = np.arange(round(RATE * look.frames / look.fps)) / RATE
        pitch = 110 + 20 * (sum(name.encode()) % 7)
        voice = sum(np.sin(2 * np.pi * pitch * n * times + np.sin(9 * times)) / n for n in range(1, 9))
        soundfile.write(made, 0.15 * voice * np.clip(np.sin(2 * np.pi * 1.5 * times), 0, 1), RATE, format="WAV")
    sha256 = digest_file(made)
    copy = outputs / "inputs" / f"{sha256[:16]}.wav"
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, copy)
    return {"path": str(made.absolute()), "sha256": sha256, "copy": str(copy.absolute())}


def _log_steps(folder: Path, attempt: int, steps: int) -> None:
    journal = Journal(folder)
    for step in range(1, steps + 1):
        journal.add(StepLine(attempt, 0, step, 0.5 if step == 1 else 0.25, 1772362800 + step))
    journal.close()


def _describe(
    definition: SweepDefinition, point: PointDefinition, look: Look, speech: Mapping[str, str], steps: int
) -> Record:
    values = point.values
    settings = {
        "prompt": values.get("prompt", "A person looks into the camera and speaks, calmly and clearly."),
        "sampler": {
            "solver": values.get("sampler.solver", "unipc"),
            "steps": steps,
            "guide_scale": values.get("sampler.guide_scale", 4.5),
            "shift": values.get("sampler.shift", 3.0),
        },
    }
    seed = int(values.get("base_seed") or SEED)
    picture = {"path": "/pictures/picture.png", "sha256": "cd" * 32, "copy": "/nowhere/cdcdcdcdcdcdcdcd.png"}
    stages = {"import libraries": 4.0, "load transformer": 12.5, "encode text": 0.5, "encode speech": 0.25}
    stages |= {"denoise": 0.25 * steps + 0.25, "decode": 1.5, "write video": 0.125}
    attempt = Attempt(
        started=STARTED,
        finished=ENDED,
        status="FINISHED",
        error=None,
        host="workshop",
        process=17,
        stages=stages,
        peak_memory={"host": 3 * 2**30, "device": 5 * 2**29},
    )
    return Record(
        format=RECORD_FORMAT,
        kind="point",
        status="FINISHED",
        identity=point.identity,
        command=definition.command,
        overrides=tuple(f"{key}={value}" for key, value in values.items()),
        choices={"model": "demo", "sampler": "unipc"},
        requested=settings,
        resolved=settings,
        plan={"output_height": look.height, "output_width": look.width, "num_clips": 1, "clip_seeds": [seed]},
        base_seed=seed,
        inputs={"image": picture, "audio": speech},
        prepared={},
        checkpoint={"path": "/weights/demo", "digest": "ef" * 32},
        environment={"code": {"commit": "0123456789abcdef"}, "device": {"device": "cuda:0", "name": "NVIDIA H200"}},
        attempts=(attempt,),
        frames=None,
        measures={},
        clip_measures={},
        files={},
        warnings=(),
        reproduces=None,
    )


def _swept_for(points: int) -> Swept:
    """Two keys for a few points, three for many, and at least as many combinations."""
    if points <= 20:
        steps = -(-points // 2)
        return {"sampler.steps": [10 * (n + 1) for n in range(steps)], "sampler.guide_scale": [3.0, 4.5]}
    shifts = -(-points // 20)
    return {
        "sampler.steps": [10, 20, 30, 40, 50],
        "sampler.guide_scale": [1.0, 3.0, 4.5, 6.0],
        "sampler.shift": [1.0 + 0.5 * n for n in range(shifts)],
    }


def _spoil(sweep: Path) -> None:
    """Of the points some that did not come to a video, in every way there is."""
    numbers = [point.number for point in read_definition(sweep).points]
    for kind, number in enumerate(numbers[1 :: max(1, len(numbers) // 5)]):
        if kind == 0:
            set_status(sweep, number, "FAILED", "GenerationError: clip 1: latents are not finite after step 3")
        elif kind == 1:
            set_status(sweep, number, "KILLED", "Interrupted: SIGINT")
        elif kind == 2:
            shutil.rmtree(folder_of(sweep, number))
        else:
            (folder_of(sweep, number) / "video.mp4").unlink()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outputs", type=Path, help="the output folder, as of a run")
    parser.add_argument("--points", type=int, default=6)
    parser.add_argument("--size", default="128x128", help="width x height")
    parser.add_argument("--frames", type=int, default=66)
    parser.add_argument("--noise", action="store_true", help="videos of nothing but noise")
    parser.add_argument("--mixed", action="store_true", help="some points without a video")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    look = replace(DEMO, width=width, height=height, frames=options.frames, noise=options.noise)
    sweep = make_sweep(options.outputs.absolute(), _swept_for(options.points), look, title="Steps and guidance")
    if options.mixed:
        _spoil(sweep)
    print(sweep)


if __name__ == "__main__":
    _main()
