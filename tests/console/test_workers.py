"""What is said of workers: lines, and a table on a terminal."""

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from s2v_runner.config.asked import read_asked
from s2v_runner.config.compose import PROJECT
from s2v_runner.console import workers
from s2v_runner.console.sweep import Remaining
from s2v_runner.console.workers import WorkerLines, worker_table
from s2v_runner.errors import GenerationError
from s2v_runner.run import FinishedRun
from s2v_runner.sweep.preparation import PreparedSweep, prepare_sweep
from s2v_runner.sweep.scene import Scene, Seat, Stand
from s2v_runner.sweep.states import NEW, PointState
from s2v_runner.tracking.reporter import Outcome
from tests.runs import Workshop

BUSY = Seat("GPU 0", Stand(point=2, clip=2, clips=3, step=5, steps=20, seconds=1.234))
FRESH = Seat("GPUs 1,2", Stand(point=3, clip=1, clips=None, step=0, steps=20, seconds=None))
IDLE = Seat("GPU 3", None)


@pytest.fixture
def sweep(workshop: Workshop) -> PreparedSweep:
    words = (*workshop.settings, "num_clip=1", "sampler.steps=1,2,3")
    return prepare_sweep(read_asked(words, PROJECT, multirun=True))


@pytest.fixture
def finished(workshop: Workshop) -> Callable[..., FinishedRun]:
    """A point that took ten seconds, all of them loading."""

    def make(*warnings: str) -> FinishedRun:
        attempt = SimpleNamespace(stages={"load transformer": 9.0, "denoise": 1.0})
        record: Any = SimpleNamespace(attempts=[attempt], status="FINISHED", base_seed=7, files={}, warnings=warnings)
        return FinishedRun(Path("nowhere"), record, Outcome(None, None))

    return make


def states_of(sweep: PreparedSweep) -> dict[int, PointState]:
    return {point.definition.number: NEW for point in sweep.points}


def test_a_point_is_said_to_begin_with_its_worker_and_to_end(
    sweep: PreparedSweep, finished: Callable[..., FinishedRun], capsys: pytest.CaptureFixture[str]
):
    lines = WorkerLines(sweep, states_of(sweep))
    lines.shows(Scene((BUSY, IDLE)))
    lines.begins(sweep.points[1])
    lines.begins(sweep.points[0])
    lines.ends(sweep.points[0], finished("the picture is dark"), None)
    lines.ends(sweep.points[1], None, GenerationError("not finite"))
    lines.ends(sweep.points[2], finished("the picture is dark"), None)
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "[2 of 3] sampler.steps=2 (GPU 0)",
        "[1 of 3] sampler.steps=1",
        "  point 1 finished in 10.0 s; 2 to go, about 0:02",
        "  point 3 finished in 10.0 s",
    ]
    assert said.err.splitlines() == ["warning: the picture is dark", "  point 2 failed: not finite"]


def test_now_and_then_it_is_said_how_far_the_workers_are(
    sweep: PreparedSweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    lines = WorkerLines(sweep, states_of(sweep))
    lines.shows(Scene((BUSY,)))
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(workers, "_SECONDS_BETWEEN_LINES", 0.0)
    lines.shows(Scene((BUSY, FRESH, IDLE)))
    assert capsys.readouterr().out.splitlines() == [
        "  GPU 0: point 2, clip 2 of 3, step 5 of 20, 1.23 s a step",
        "  GPUs 1,2: point 3, clip 1, step 0 of 20",
    ]


def test_the_table_has_a_row_a_worker_and_one_for_all(sweep: PreparedSweep, finished: Callable[..., FinishedRun]):
    remaining = Remaining(sweep, states_of(sweep))
    remaining.ended(sweep.points[0], finished())
    shown = io.StringIO()
    names = {2: "sampler.steps=2", 3: "sampler.steps=3"}
    Console(file=shown, width=130).print(worker_table(Scene((BUSY, FRESH, IDLE)), names, remaining))
    rows = [line.split() for line in shown.getvalue().splitlines()]
    text = [" ".join(word for word in row if not set(word) <= set("━╸╺")) for row in rows]
    assert text == [
        "GPU 0 2 sampler.steps=2 clip 2 of 3, step 5 of 20 1.23 s a step",
        "GPUs 1,2 3 sampler.steps=3 clip 1, step 0 of 20",
        "GPU 3 waiting",
        "all 1 done, 0 failed, 2 to go about 0:02",
    ]
