"""One video by several processes, from the command line to the file."""

import os
import signal
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from s2v_runner.config.compose import compose_run
from s2v_runner.describe import destination_of
from s2v_runner.tracking.folder import find_runs
from s2v_runner.tracking.journal import read_steps
from s2v_runner.tracking.publisher import published_before
from s2v_runner.tracking.record import Record, read_record
from tests.parallel.processes import Command, is_there, runner, started
from tests.runs import Workshop

# Two clips, so that the second continues what all processes have of the first.
SHORT = ("num_clip=2", "output.frames=lossless", "metrics=none")
# Nobody waits for its end.
LONG = ("num_clip=2", "sampler.steps=300", "metrics=none")
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
WAYS = {
    "ulysses": runner("parallel=ulysses"),
    "halves": runner("parallel=cfg"),
    "both": runner("parallel=cfg", "parallel.ulysses_size=2"),
    "torchrun": (*TORCHRUN, "-m", "s2v_runner", "parallel=ulysses"),
    "accelerate": (
        *(sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"),
        *("--main_process_port", "0", "-m", "s2v_runner", "parallel=cfg"),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_several_processes_make_the_video_of_one(workshop: Workshop, tmp_path: Path, way: str):
    alone = workshop.perform(*SHORT, f"output.folder={tmp_path}/alone")
    words = (*WAYS[way], *workshop.settings, *SHORT)
    with started(tmp_path, *words, ACCELERATE_USE_CPU="true") as command:
        status, output = command.end()
    assert status == 0, output
    record = workshop.only_record()
    assert record.status == "FINISHED"
    check_same(workshop.folders()[0], record, alone.folder, alone.record)
    assert "made by" in output
    assert workshop.strays() == []


def test_a_process_that_is_killed_ends_the_others_and_the_run_is_taken_up(workshop: Workshop, tmp_path: Path):
    words = (*workshop.settings, *LONG, "tracking=mlflow", "parallel=ulysses")
    with started(tmp_path, *runner(*words)) as command:
        members = at_work(command, workshop)
        killed = time.monotonic()
        os.kill(members[1], signal.SIGKILL)
        status, output = command.end()
    assert time.monotonic() - killed < 20
    assert status == 1
    reason = "process 1 of 2 was ended by SIGKILL"
    assert f"s2v-runner: {reason}" in output
    assert "Traceback" not in output
    record = workshop.only_record()
    assert (record.status, record.error) == ("FAILED", reason)
    # MLflow, too, has heard the end of it.
    destination = destination_of(compose_run(words).config)
    assert destination is not None
    published = published_before(workshop.folders()[0], destination)
    assert published is not None
    assert published.complete
    assert not any(map(is_there, members.values()))
    # One process takes it up: it is the same run.
    finished = workshop.perform(*LONG)
    assert [attempt.status for attempt in finished.record.attempts] == ["FAILED", "FINISHED"]


def test_a_process_that_hangs_is_named(workshop: Workshop, tmp_path: Path):
    words = runner("parallel=ulysses", "parallel.patience=2", *workshop.settings, *LONG)
    with started(tmp_path, *words) as command:
        members = at_work(command, workshop)
        stopped = time.monotonic()
        os.kill(members[1], signal.SIGSTOP)
        status, output = command.end()
    assert time.monotonic() - stopped < 20
    assert status == 1
    reason = "process 1 of 2 has not got on for 2 s (parallel.patience), and the others wait for it"
    assert reason in output
    assert workshop.only_record().error == reason
    assert not any(map(is_there, members.values()))


def test_asked_to_stop_they_stop_in_order(workshop: Workshop, tmp_path: Path):
    with started(tmp_path, *runner("parallel=ulysses", *workshop.settings, *LONG)) as command:
        members = at_work(command, workshop)
        command.process.send_signal(signal.SIGINT)
        status, output = command.end()
    assert status == 128 + signal.SIGINT, output
    assert workshop.only_record().status == "KILLED"
    assert not any(map(is_there, members.values()))


def test_they_do_not_outlive_whoever_started_them(workshop: Workshop, tmp_path: Path):
    with started(tmp_path, *runner("parallel=ulysses", *workshop.settings, *LONG)) as command:
        members = at_work(command, workshop)
        command.process.kill()
        command.end()
        until = time.monotonic() + 40
        while any(map(is_there, members.values())):
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_launched_sweep_goes_on_when_a_process_is_killed(workshop: Workshop, tmp_path: Path):
    points = ("-m", "num_clip=1", "metrics=none", "sampler.steps=60,61")
    words = (*TORCHRUN, "-m", "s2v_runner", "parallel=ulysses", *workshop.settings, *points)
    with started(tmp_path, *words) as command:
        members = at_work(command, workshop)
        os.kill(members[1], signal.SIGKILL)
        status, output = command.end()
    assert status == 0, output
    records = [read_record(folder) for folder in find_runs(workshop.outputs)]
    assert [record.status for record in records] == ["FINISHED", "FINISHED"]
    lost = [attempt.error for record in records for attempt in record.attempts if attempt.status == "KILLED"]
    assert lost == ["2 processes: process 1 of 2 was ended by SIGKILL"]
    assert "Another takes its place" in output


def test_bad_input_is_refused_by_the_first_of_launched_processes_alone(workshop: Workshop, tmp_path: Path):
    words = (*TORCHRUN, "-m", "s2v_runner", *workshop.settings)
    with started(tmp_path, *words) as command:
        status, output = command.end()
    assert status != 0
    assert output.count("s2v-runner: 2 processes: parallel.mode=single makes a video with one. Add parallel=") == 1
    assert workshop.folders() == []


def at_work(command: Command, workshop: Workshop) -> dict[int, int]:
    """The processes of its crew, once some steps are done."""

    def some_steps() -> bool:
        return any(len(list(read_steps(folder))) > 3 for folder in find_runs(workshop.outputs))

    command.wait_until(some_steps)
    members = command.members()
    assert sorted(members) == [0, 1]
    return members


def check_same(made: Path, record: Record, other: Path, other_record: Record) -> None:
    """The latents alike to how they are kept, and the frames to one level of 255."""
    for ours, theirs in zip(latents(made, record), latents(other, other_record), strict=True):
        assert (ours - theirs).abs().max() <= 2**-10 * theirs.abs().max()
    difference = np.abs(frames(made, record) - frames(other, other_record))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def latents(run: Path, record: Record) -> list[torch.Tensor]:
    files = sorted((run / record.files["latents"]).glob("*.safetensors"))
    assert len(files) == 2
    return [load_file(path)["latents"].float() for path in files]


def frames(run: Path, record: Record) -> np.ndarray:
    with av.open(str(run / record.files["frames"])) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(int)
