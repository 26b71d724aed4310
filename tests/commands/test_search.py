"""A search as its user sees it."""

import csv
import io
import os
import subprocess
import sys

import pytest

from s2v_runner.cli import main
from s2v_runner.tracking.definition import read_definition
from s2v_runner.tracking.folder import find_sweeps
from tests.runs import Workshop

Said = pytest.CaptureFixture[str]


def search_words(workshop: Workshop, *words: str) -> list[str]:
    return [
        *("-m", *workshop.settings, "infer_frames=4", "num_clip=1", "metrics=none", "search=optuna"),
        *("search.objectives=seconds,step_seconds", "search.trials=2", *words),
    ]


def test_a_dry_run_prints_the_plan_of_the_search_and_writes_nothing(workshop: Workshop, capsys: Said):
    words = search_words(
        workshop, "sampler.steps=int(interval(1,4))", "sampler.shift=3,5", "base_seed=0,9", "title=Mine", "dry_run=true"
    )
    assert main(words) == 0
    said = capsys.readouterr().out
    for line in (
        "study     Mine",
        "space     sampler.steps=1…4, sampler.shift=3,5",
        "seeks     less seconds, less step_seconds",
        "sampler   tpe, seed 0",
        "trials    2: 2 to ask for",
        "points    2 points a trial, averaged: 2 of base_seed",
        "video     1 frame of 64x64",
        "seeds     0, 9",
        "time      known once a point is made",
        "nothing is loaded or written",
    ):
        assert line in said
    assert not workshop.outputs.exists()


def test_a_plan_does_not_wait_for_optuna(workshop: Workshop):
    words = search_words(workshop, "sampler.steps=1,2", "dry_run=true")
    command = [sys.executable, "-X", "importtime", "-m", "s2v_runner", *words]
    result = subprocess.run(command, cwd=workshop.folder, capture_output=True, text=True, check=True, env=os.environ)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in result.stderr.splitlines()}
    assert not imported & {"optuna", "torch"}


def test_a_search_is_made_gone_on_with_and_listed(workshop: Workshop, capsys: Said):
    words = search_words(workshop, "sampler.steps=int(interval(1,4))", "sampler.shift=3,5", "title=Mine")
    assert main(words) == 0
    said = capsys.readouterr().out
    (folder,) = find_sweeps(workshop.outputs)
    definition = read_definition(folder)
    assert definition.search is not None
    assert len(definition.search.trials) == 2
    assert "trial 2 of 2: seconds" in said
    assert "best: " in said
    assert str(folder / "comparison.html") in said
    rows = list(csv.DictReader((folder / "comparison.csv").read_text().splitlines()))
    assert [row["status"] for row in rows] == ["FINISHED"] * len(definition.points)

    assert main([*words, "search.trials=3"]) == 0
    assert "trials    3: 2 finished, 1 to ask for" in capsys.readouterr().out
    trials = read_definition(folder).search
    assert trials is not None
    assert trials.trials[:2] == definition.search.trials
    assert main(["list", "--outputs", str(workshop.outputs)]) == 0
    assert "Mine" in capsys.readouterr().out
    assert main(["compare", "--outputs", str(workshop.outputs)]) == 0


def test_so_many_points_may_not_be_meant(workshop: Workshop, capsys: Said, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    words = search_words(workshop, "sampler.steps=1,2", "base_seed=0,9", "search.trials=501")
    assert main(words) == 2
    assert "1,002 points (501 trials of 2): that is more than max_points=1000" in capsys.readouterr().err
