"""Folders of sweeps that never were."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_of
from s2v_runner.tracking.definition import (
    FORMAT,
    PointDefinition,
    SweepDefinition,
    point_folder,
    read_definition,
    write_definition,
)
from s2v_runner.tracking.folder import SWEEPS
from s2v_runner.tracking.record import Record, Status, write_record
from tests.tracking.conftest import FINISHED, STARTED, BuildRecord, attempt_of, log_steps

SHARED_SEED = 1347279643


def define_sweep(name: str, num_points: int, **changes: Any) -> SweepDefinition:
    """A sweep of steps 10, 20, 40, … under one guidance."""
    points = tuple(
        PointDefinition(
            number=number,
            identity=digest_of({"point": number}),
            values={"sampler.steps": 10 * 2 ** (number - 1), "sampler.guide_scale": 4.5},
        )
        for number in range(1, num_points + 1)
    )
    definition = SweepDefinition(
        format=FORMAT,
        identity=digest_of({"sweep": name}),
        title=None,
        command=("s2v-runner", "-m", "sampler.steps=10,20,40"),
        swept=("sampler.steps", "sampler.guide_scale"),
        base_seed=SHARED_SEED,
        baseline=None,
        points=points,
        search=None,
    )
    return replace(definition, **changes)


def record_of(build_record: BuildRecord, definition: SweepDefinition, status: Status, **changes: Any) -> Record:
    """The record of a sweep, an hour long where it has ended."""
    attempt = replace(attempt_of(status), stages={}, peak_memory={})
    if attempt.finished is not None:
        attempt = replace(attempt, finished=minutes_after(STARTED, 60))
    record = build_record(
        status,
        kind="sweep",
        identity=definition.identity,
        resolved={},
        requested={"prompt": "A woman, speaking", "sampler": {"steps": 10, "guide_scale": 4.5, "shift": None}},
        plan={"points": len(definition.points)},
        base_seed=SHARED_SEED,
        inputs={},
        frames=None,
        files={"definition": "sweep.json", "comparison": "comparison.html", "table": "comparison.csv"},
        attempts=(attempt,),
    )
    return replace(record, **changes)


def lay_sweep(
    outputs: Path,
    build_record: BuildRecord,
    definition: SweepDefinition,
    status: Status,
    points: Sequence[Status | None],
) -> Path:
    """Write the folder of a sweep with its record, and of each point that has a status."""
    folder = outputs / SWEEPS / definition.identity[:12]
    folder.mkdir(parents=True)
    write_definition(folder, definition)
    write_record(folder, record_of(build_record, definition, status))
    for number, state in enumerate(points, 1):
        if state is not None:
            lay_point(folder, build_record, number, state)
    return folder


def lay_point(sweep: Path, build_record: BuildRecord, number: int, status: Status) -> Path:
    """Write the folder of a point that ended as many minutes after the others as its number says."""
    definition = read_definition(sweep).points[number - 1]
    folder = point_folder(sweep, definition)
    folder.mkdir(parents=True)
    attempt = attempt_of(status)
    if attempt.finished is not None:
        attempt = replace(attempt, finished=minutes_after(FINISHED, number))
    write_record(folder, build_record(status, kind="point", identity=definition.identity, attempts=(attempt,)))
    log_steps(folder, clip=0)
    for file in ("video.mp4", "run.log"):
        (folder / file).write_text(f"{file} of {number}")
    return folder


def write_page(sweep: Path, content: str) -> None:
    (sweep / "comparison.html").write_text(content)
    (sweep / "comparison.csv").write_text(f"{content} in numbers")


def minutes_after(time: str, minutes: int) -> str:
    return (datetime.fromisoformat(time) + timedelta(minutes=minutes)).isoformat(timespec="seconds")
