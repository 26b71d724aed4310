"""Records and folders of runs that never were."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2v_runner.tracking.destination import Destination
from s2v_runner.tracking.folder import RUNS
from s2v_runner.tracking.journal import Journal, StepLine
from s2v_runner.tracking.record import FORMAT, Attempt, Record, Status, write_record

STARTED, FINISHED = "2026-03-01T12:00:00+01:00", "2026-03-01T12:01:00+01:00"
STARTED_MS, FINISHED_MS = 1772362800000, 1772362860000
STEPS = 4

BuildRecord = Callable[..., Record]
BuildFolder = Callable[[Path, str, Record], Path]


def attempt_of(status: Status) -> Attempt:
    """One attempt of a minute."""
    return Attempt(
        started=STARTED,
        finished=None if status == "RUNNING" else FINISHED,
        status=status,
        error=None if status in ("RUNNING", "FINISHED") else "stopped",
        host="workshop",
        process=17,
        stages={"sample": 30.0, "load transformer": 12.5},
        peak_memory={"host": 2**30, "device": 3 * 2**29},
    )


@pytest.fixture
def build_record() -> BuildRecord:
    """Makes a record of a run with this status, and whatever the test changes."""

    def build(status: Status, **changes: Any) -> Record:
        record = Record(
            format=FORMAT,
            kind="run",
            status=status,
            identity="ab" * 32,
            command=("s2v-runner", "prompt=A woman, speaking"),
            overrides=("prompt=A woman, speaking",),
            choices={"sampler": "unipc", "memory": "auto"},
            requested={"prompt": "A woman, speaking"},
            resolved={"prompt": "A woman, speaking", "negative_prompt": "", "sampler": {"steps": STEPS, "shift": 3.0}},
            plan={"num_clips": 2, "clip_seeds": [7, 8]},
            base_seed=7,
            inputs={"image": {"path": "/pictures/woman.png", "sha256": "cd" * 32}},
            prepared={},
            checkpoint={"digest": "ef" * 32},
            environment={"code": {"commit": "0123456789"}},
            attempts=(attempt_of(status),),
            frames={"count": 160, "height": 64, "width": 64, "sha256": "00" * 32},
            measures={"mouth_r": {"value": 0.5, "reason": None}},
            clip_measures={},
            files={"video": "video.mp4", "log": "run.log", "frames": "frames.mkv", "save_file": "/elsewhere/video.mp4"},
            warnings=(),
            reproduces=None,
        )
        return replace(record, **changes)

    return build


@pytest.fixture
def build_folder() -> BuildFolder:
    """Writes the folder of a run, with one clip's steps in its log."""

    def build(outputs: Path, name: str, record: Record) -> Path:
        folder = outputs / RUNS / "2026-03-01" / name
        folder.mkdir(parents=True)
        write_record(folder, record)
        log_steps(folder, clip=0)
        for file in ("video.mp4", "run.log", "frames.mkv"):
            (folder / file).write_text(f"{file} of {name}")
        return folder

    return build


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Destination:
    """The database in an output folder, one for all tests: making it takes seconds."""
    outputs = tmp_path_factory.mktemp("embedded") / "out put #1 100%"
    return Destination(uri=None, experiment="s2v_runner", run_name=None, outputs=outputs, patience=10.0)


def log_steps(folder: Path, clip: int) -> None:
    """Log the steps of a clip, a second each."""
    journal = Journal(folder)
    for step in range(1, STEPS + 1):
        journal.add(StepLine(0, clip, step, 0.5 + step, STARTED_MS / 1000 + clip * STEPS + step))
    journal.close()


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
