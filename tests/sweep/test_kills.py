"""Sweeps that are killed at random moments, the whole group of processes at once."""

import os
import signal
import sqlite3
import time
from contextlib import closing
from random import Random

import pytest

from s2v_runner.describe import destination_of
from s2v_runner.tracking.client import connect
from s2v_runner.tracking.notes import PUBLISHED_NAME
from tests.sweep.soak import Case, Soak
from tests.sweep.stub import Planned, Rig, check_made_once, check_whole, no_trouble, read_log


@pytest.mark.parametrize("policy", ["retry", "skip", "force"])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_sweep_survives_kills_at_any_moment(rig: Rig, policy: str, processes: int):
    seed = Random().randrange(2**31)
    print("seed", seed)
    soak = Soak(rig, Random(seed))
    shape = ("sampler.steps=1,2,3", "num_clip=3", "base_seed=-1", "output=lossless")
    while soak.kills < 6:
        soak.survive(Case(shape=shape, policy=policy, processes=processes, failing=frozenset({2})), 6 - soak.kills)


def mlflow_runs(rig: Rig) -> dict[str, tuple[str, dict[str, str]]]:
    """The status and the tags of every run that there is."""
    with closing(sqlite3.connect(rig.outputs / "mlflow.db")) as database:
        runs = database.execute("select run_uuid, status from runs where lifecycle_stage = 'active'").fetchall()
        tags = {
            run: dict(database.execute("select key, value from tags where run_uuid = ?", (run,))) for run, _ in runs
        }
    return {run: (status, tags[run]) for run, status in runs}


def check_mlflow(rig: Rig, planned: Planned) -> None:
    """That the sweep is there once with every point once, all ended and told."""
    runs = mlflow_runs(rig)
    parents = [run for run, (_, tags) in runs.items() if tags["kind"] == "sweep"]
    assert len(parents) == 1
    points = {run: tags for run, (_, tags) in runs.items() if tags["kind"] == "point"}
    assert sorted(tags["identity"] for tags in points.values()) == sorted(
        point.definition.identity for point in planned.sweep.points
    )
    assert {tags["mlflow.parentRunId"] for tags in points.values()} == set(parents)
    assert {status for status, _ in runs.values()} == {"FINISHED"}
    assert len(list((rig.outputs / "mlartifacts").rglob("video.mp4"))) == len(points)
    assert len(list(planned.sweep.folder.rglob(PUBLISHED_NAME))) == len(runs)


@pytest.mark.parametrize("processes", [1, 2])
def test_mlflow_has_every_point_once_whatever_was_killed(rig: Rig, processes: int):
    elsewhere = rig.plan("sampler.steps=1,2", "tracking=mlflow", f"output.folder={rig.folder}/elsewhere").sweep
    destination = destination_of(elsewhere.common)
    assert destination is not None
    with connect(destination):
        # The imports of the forks, each of which would take seconds for them.
        pass
    seed = Random().randrange(2**31)
    print("seed", seed)
    random = Random(seed)
    planned = rig.plan("sampler.steps=1,2", "num_clip=2", "tracking=mlflow", "tracking.patience=60")
    for most_seconds in (3, 3, 1, 1, 1, 1):
        children = rig.start_group(planned, processes, no_trouble)
        time.sleep(random.uniform(0, most_seconds))
        os.killpg(children[0].pid, signal.SIGKILL)
        for child in children:
            assert child.wait()[0] in (0, -signal.SIGKILL)
    assert [child.wait()[0] for child in rig.start_group(planned, processes, no_trouble)] == [0] * processes
    check_whole(planned)
    check_made_once(planned, read_log(rig.log))
    check_mlflow(rig, planned)
