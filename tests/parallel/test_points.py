"""The points of a sweep by workers, from the command line to the records."""

import os
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from s2v_runner.cli import main
from s2v_runner.tracking.definition import POINTS
from s2v_runner.tracking.folder import find_sweeps
from s2v_runner.tracking.journal import read_steps
from s2v_runner.tracking.record import RECORD_NAME, Record, read_record
from tests.parallel.processes import Command, is_there, runner, started
from tests.runs import Workshop

SHORT = ("num_clip=1", "metrics=none", "memory.device=cpu")
# Nobody waits for their end.
LONG = ("num_clip=1", "metrics=none", "memory.device=cpu", "sampler.steps=2000,2001,2002")
NOTHING = 0.01
"""Seconds that it takes to find that a model is loaded."""
SIX = ("sampler.steps=1,2,3", "sampler.shift=3,5")


def records_in(outputs: Path) -> list[Record]:
    """Of the points of the one sweep that there is, in the order of their identities."""
    found = [read_record(path.parent) for path in outputs.glob(f"sweeps/*/{POINTS}/*/{RECORD_NAME}")]
    return sorted(found, key=lambda record: record.identity)


def frames_of(records: list[Record]) -> dict[str, str]:
    return {record.identity: record.frames["sha256"] for record in records if record.frames is not None}


@pytest.fixture
def alone(workshop: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What one process makes of the six points."""
    outputs = tmp_path / "alone"
    words = (*workshop.settings, *SHORT, f"output.folder={outputs}")
    assert main(["-m", *words, *SIX]) == 0
    capsys.readouterr()
    return frames_of(records_in(outputs))


def test_two_workers_make_six_points_once_each_and_mlflow_has_all_of_it(
    workshop: Workshop, tmp_path: Path, alone: dict[str, str]
):
    words = ("-m", *workshop.settings, *SHORT, *SIX, "parallel=points", "tracking=mlflow", "tracking.patience=120")
    with started(tmp_path, *runner(*words)) as command:
        status, output = command.end()
    assert status == 0, output
    records = records_in(workshop.outputs)
    assert frames_of(records) == alone
    assert len(alone) == 6
    assert [len(record.attempts) for record in records] == [1] * 6
    by_worker = Counter(record.attempts[0].process for record in records)
    assert len(by_worker) == 2
    # Each worker has loaded its model once, whatever it made with it.
    attempts = [record.attempts[0] for record in records]
    loading = [attempt.process for attempt in attempts if attempt.stages["load transformer"] > NOTHING]
    assert sorted(loading) == sorted(by_worker)
    assert "6 of 6 points finished" in output
    assert "worker 1" in output
    database = sqlite3.connect(workshop.outputs / "mlflow.db")
    statuses = Counter(row[0] for row in database.execute("select status from runs"))
    children = database.execute("select count(*) from tags where key = 'mlflow.parentRunId'").fetchone()
    database.close()
    assert statuses == {"FINISHED": 7}
    assert children == (6,)
    (folder,) = find_sweeps(workshop.outputs)
    assert len(read_record(folder).attempts) == 1
    assert workshop.strays() == []


def test_a_killed_worker_costs_what_it_was_at_and_a_signal_ends_the_rest(workshop: Workshop, tmp_path: Path):
    words = runner("-m", *workshop.settings, *LONG, "parallel=points")
    with started(tmp_path, *words) as command:
        first = at_work(command, workshop.outputs, 2)
        os.kill(first[0], signal.SIGKILL)
        command.wait_until(lambda: any(record.error for record in records_in(workshop.outputs)))
        # One of the three points is left for another worker.
        second = at_work(command, workshop.outputs, 2)
        assert first[0] not in second
        command.process.send_signal(signal.SIGINT)
        status, output = command.end()
    assert status == 128 + signal.SIGINT, output
    assert "the process was ended by SIGKILL" in output
    assert "Traceback" not in output
    assert not any(map(is_there, (*first, *second)))
    lost = [
        attempt for record in records_in(workshop.outputs) for attempt in record.attempts if attempt.process == first[0]
    ]
    assert [(attempt.status, attempt.error) for attempt in lost] == [
        ("KILLED", lost[0].error),
    ]
    assert (lost[0].error or "").startswith("worker ")
    assert all(record.status == "KILLED" for record in records_in(workshop.outputs))


def test_two_workers_of_two_processes_each(workshop: Workshop, tmp_path: Path):
    groups = ("parallel=points", "parallel.mode=ulysses", "sampler.steps=1,2")
    with started(tmp_path, *runner("-m", *workshop.settings, *SHORT, *groups)) as command:
        command.wait_until(lambda: len(command.all_members()) == 4)
        status, output = command.end()
    assert status == 0, output
    records = records_in(workshop.outputs)
    assert [(record.status, len(record.attempts)) for record in records] == [("FINISHED", 1)] * 2
    assert len({record.attempts[0].process for record in records}) == 2


def test_one_worker_of_two_processes_makes_all_points(workshop: Workshop, tmp_path: Path):
    words = ("parallel=ulysses", "parallel.ulysses_size=2", "sampler.steps=1,2")
    with started(tmp_path, *runner("-m", *workshop.settings, *SHORT, *words)) as command:
        status, output = command.end()
    assert status == 0, output
    records = records_in(workshop.outputs)
    assert [(record.status, len(record.attempts)) for record in records] == [("FINISHED", 1)] * 2
    # Both by the same: the model was loaded once.
    assert len({record.attempts[0].process for record in records}) == 1
    assert "2 of 2 points finished" in output


def at_work(command: Command, outputs: Path, count: int) -> list[int]:
    """The processes that make points, once there are so many and they have done steps."""

    def at_steps() -> list[int]:
        running = []
        for path in outputs.glob(f"sweeps/*/{POINTS}/*/{RECORD_NAME}"):
            record = read_record(path.parent)
            done = [step for step in read_steps(path.parent) if step.attempt == len(record.attempts) - 1]
            if record.status == "RUNNING" and done and is_there(record.attempts[-1].process):
                running.append(record.attempts[-1].process)
        return running

    command.wait_until(lambda: len(at_steps()) == count)
    return at_steps()
